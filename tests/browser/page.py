"""Reads an exported page as a validator and a screen reader would, and says what is wrong with it, a fault a line.

The parser is html5lib, which follows the standard; the rest are the rules of WCAG that a tree can show: names, headings,
landmarks, tables, identifiers. Contrast is looked at in a browser, where colours are what they come out as.
"""

import re
import sys

import html5lib

text = open(sys.argv[1], encoding="utf-8").read()
# A page that is served may have the one script that brings newer ones.
LIVE = sys.argv[2:] == ["live"]
faults = []


def bad(what):
    faults.append(what)


parser = html5lib.HTMLParser(tree=html5lib.getTreeBuilder("etree"), namespaceHTMLElements=False)
root = parser.parse(text)
for (line, column), code, data in parser.errors:
    bad(f"{line}:{column}: {code} {data}")

SVG = "{http://www.w3.org/2000/svg}"
everything = list(root.iter())
parents = {child: parent for parent in everything for child in parent}


def words(element):
    return " ".join("".join(element.itertext()).split())


def name(tag):
    return str(tag).replace(SVG, "svg:")


ids = [element.get("id") for element in everything if element.get("id")]
for twice in {one for one in ids if ids.count(one) > 1} if len(ids) < 5000 else set():
    bad(f"id {twice} stands twice")
known = set(ids)

ALLOWED = set(
    """html head meta title style body a header nav main section article footer figure figcaption div span p h1 h2 h3 h4
    ul li dl dt dd table caption thead tbody tr th td time code pre strong em small i br blockquote details summary
    svg:svg svg:title svg:desc svg:defs svg:pattern svg:g svg:a svg:rect svg:circle svg:line svg:path svg:text""".split()
)
for element in everything:
    tag = name(element.tag)
    if LIVE and (tag == "noscript" or (tag, element.attrib) == ("script", {"src": "live.js", "defer": ""})):
        continue
    if tag not in ALLOWED:
        bad(f"<{tag}> has no place here")
    for key, value in element.attrib.items():
        key = str(key)
        if key.startswith("on") or key in ("src", "srcset", "style", "action", "background"):
            bad(f"<{tag} {key}>")
        if key.endswith("href") and not (value.startswith("#") and value[1:] in known):
            bad(f"<{tag} {key}={value!r}> leads nowhere")
        if key in ("aria-labelledby", "aria-describedby"):
            for one in value.split():
                if one not in known:
                    bad(f"<{tag} {key}={value!r}> names nothing")
        if re.search(r"https?://|//", value) and key not in ("content", "xmlns", "title"):
            bad(f"<{tag} {key}={value!r}> looks like an address")
        if value == "" and key not in ("class",):
            bad(f"<{tag} {key}> is empty")

html = root if root.tag == "html" else root.find("html")
if not html.get("lang"):
    bad("the page has no language")
if not words(root.find(".//title")):
    bad("the page has no title")
policy = [meta.get("content") for meta in root.iter("meta") if meta.get("http-equiv") == "Content-Security-Policy"]
if not (policy and policy[0].startswith("default-src 'none'")):
    bad("the page has no policy")

headings = [(int(e.tag[1]), words(e)) for e in everything if re.fullmatch("h[1-6]", str(e.tag))]
if [level for level, _ in headings].count(1) != 1 or headings[0][0] != 1:
    bad("there is not one first heading, first")
for (before, _), (level, text_) in zip(headings, headings[1:]):
    if level > before + 1:
        bad(f"heading {text_!r} skips a level")
for level, text_ in headings:
    if not text_:
        bad("a heading is empty")

for landmark in ("main", "header", "footer", "nav"):
    if len(list(root.iter(landmark))) != 1:
        bad(f"there is not one <{landmark}>")
for nav in root.iter("nav"):
    if not nav.get("aria-label"):
        bad("a <nav> has no name")
first = next(e for e in root.find(".//body").iter() if e.tag == "a")
if first.get("href") != "#main":
    bad("the first link does not skip to the account")
for section in root.iter("section"):
    if not section.get("aria-labelledby"):
        bad("a <section> has no name")
for element in everything:
    if element.get("role") == "region" and not (element.get("aria-label") and element.get("tabindex") == "0"):
        bad("a region that scrolls has no name or no keyboard")

# Who goes from landmark to landmark tells them apart by their names.
by_id = {element.get("id"): element for element in everything if element.get("id")}
regions = [element.get("aria-label") for element in everything if element.get("role") == "region"]
regions += [words(by_id[section.get("aria-labelledby")]) for section in root.iter("section")]
for twice in {one for one in regions if regions.count(one) > 1}:
    bad(f"two regions are called {twice}")

for table in root.iter("table"):
    if table.find("caption") is None or not words(table.find("caption")):
        bad("a table has no caption")
    heads = table.findall("thead/tr/th")
    if not heads or any(th.get("scope") != "col" for th in heads):
        bad("a table has no head")
    for row in table.findall("tbody/tr"):
        cells = [cell for cell in row if cell.tag in ("th", "td")]
        if sum(int(cell.get("colspan", "1")) for cell in cells) != len(heads):
            bad(f"a row has another number of cells than its head: {words(row)}")
        if row.get("class") != "gap" and (cells[0].tag != "th" or cells[0].get("scope") not in ("row", "rowgroup")):
            bad(f"a row has no head: {words(row)}")

for svg in root.iter(SVG + "svg"):
    if svg.get("aria-hidden") == "true":
        if any(True for _ in svg.iter(SVG + "a")):
            bad("a hidden drawing has links")
        continue
    if not svg.get("role") or svg.find(SVG + "title") is None or svg.find(SVG + "desc") is None:
        bad("a drawing has no role, title or description")
    for link in svg.iter(SVG + "a"):
        if link.find(SVG + "title") is None or not words(link.find(SVG + "title")):
            bad("a mark has no name")
for link in root.iter("a"):
    if not words(link):
        bad("a link has no words")
for listing in root.iter("ul"):
    if any(child.tag != "li" for child in listing):
        bad("a list has more than entries")
for dl in root.iter("dl"):
    for group in dl:
        if [child.tag for child in group] != ["dt", "dd"]:
            bad("a list of facts has more than facts")
for time in root.iter("time"):
    if not re.fullmatch(r"[+-]?\d{4,6}-\d\d-\d\d(T\d\d:\d\d:\d\dZ)?", time.get("datetime", "")):
        bad(f"<time> without a moment: {words(time)}")

print("\n".join(faults))
sys.exit(1 if faults else 0)
