//! Finding a runbook by a few letters. One function ranks; a longer query only looks at what the shorter one left.

use std::sync::Arc;

use fuzzy_matcher::FuzzyMatcher;
use fuzzy_matcher::skim::SkimMatcherV2;

use super::text;
use super::world::Entry;

/// Longer queries are cut: nobody types them, and matching costs their length.
const LONGEST: usize = 64;

/// How well the query fits an entry: its title, else its id, services, tags and owner. `None` when it does not.
fn score(matcher: &SkimMatcherV2, query: &str, entry: &Entry) -> Option<i64> {
    let mut total = 0;
    for word in query.split_whitespace() {
        let title = matcher.fuzzy_match(&entry.title, word);
        let best = title.map(|score| score * 2).or_else(|| {
            let id = matcher.fuzzy_match(&entry.id, word);
            id.map(|score| score + score / 2).or_else(|| {
                [&entry.owner]
                    .into_iter()
                    .chain(&entry.services)
                    .chain(&entry.tags)
                    .filter_map(|text| matcher.fuzzy_match(text, word))
                    .max()
            })
        })?;
        total += best;
    }
    Some(total)
}

/// The positions of the entries that fit, best first; all in their order for an empty query.
#[must_use]
pub fn rank(query: &str, entries: &[Entry]) -> Vec<usize> {
    rank_among(query, entries, 0..entries.len())
}

fn rank_among(query: &str, entries: &[Entry], among: impl Iterator<Item = usize>) -> Vec<usize> {
    let query = text::head(query, LONGEST);
    if query.trim().is_empty() {
        return (0..entries.len()).collect();
    }
    let matcher = SkimMatcherV2::default().ignore_case();
    let mut found: Vec<(i64, usize)> = among
        .filter_map(|at| Some((score(&matcher, query, entries.get(at)?)?, at)))
        .collect();
    found.sort_unstable_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
    found.into_iter().map(|(_, at)| at).collect()
}

/// Where the letters of the query stand in a title, for showing.
#[must_use]
pub fn letters(query: &str, title: &str) -> Vec<usize> {
    let query = text::head(query, LONGEST);
    let matcher = SkimMatcherV2::default().ignore_case();
    let mut places: Vec<usize> = query
        .split_whitespace()
        .filter_map(|word| matcher.fuzzy_indices(title, word))
        .flat_map(|(_, places)| places)
        .collect();
    places.sort_unstable();
    places.dedup();
    places
}

/// The entries that fit what was typed so far.
#[derive(Debug, Clone, Default)]
pub struct Picker {
    query: String,
    entries: Option<Arc<Vec<Entry>>>,
    found: Vec<usize>,
}

impl Picker {
    /// Follows the query and the list; does nothing when neither changed.
    pub fn follow(&mut self, query: &str, entries: &Arc<Vec<Entry>>) {
        let same = self
            .entries
            .as_ref()
            .is_some_and(|known| Arc::ptr_eq(known, entries));
        if same && query == self.query {
            return;
        }
        let narrower = same && !self.query.trim().is_empty() && query.starts_with(&self.query);
        self.found = if narrower {
            rank_among(query, entries, std::mem::take(&mut self.found).into_iter())
        } else {
            rank(query, entries)
        };
        query.clone_into(&mut self.query);
        self.entries = Some(Arc::clone(entries));
    }

    /// Positions in the list, best first.
    #[must_use]
    pub fn found(&self) -> &[usize] {
        &self.found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(titles: &[&str]) -> Arc<Vec<Entry>> {
        Arc::new(
            titles
                .iter()
                .map(|title| Entry {
                    id: title.to_lowercase().replace(' ', "-"),
                    title: (*title).to_owned(),
                    tags: vec!["iam".to_owned()],
                    ..Entry::default()
                })
                .collect(),
        )
    }

    #[test]
    fn the_best_match_comes_first_and_words_may_stand_anywhere() {
        let entries = entries(&[
            "Cloud trail stopped",
            "Customer data leak",
            "Leaked cloud access key",
            "Disk full",
        ]);
        assert_eq!(rank("leak cl", &entries)[0], 2);
        assert_eq!(rank("iam", &entries).len(), 4);
        assert_eq!(rank("zzz", &entries), Vec::<usize>::new());
        assert_eq!(rank("  ", &entries), [0, 1, 2, 3]);
    }

    #[test]
    fn narrowing_gives_what_a_fresh_search_gives() {
        let entries = entries(&["Leaked key", "Leaky disk", "Kernel panic", "Lake", "Elk"]);
        let mut picker = Picker::default();
        let query = "leak k";
        for end in 0..=query.len() {
            picker.follow(&query[..end], &entries);
            assert_eq!(picker.found(), rank(&query[..end], &entries));
        }
        picker.follow("el", &entries);
        assert_eq!(picker.found(), rank("el", &entries));
    }
}
