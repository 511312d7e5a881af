//! What looks destructive in a script, as data. Knows nothing of runbooks.
//! A list of suspicions, not a guard: it reminds an author to say `risk: destructive`.

use std::sync::LazyLock;

use regex::{Regex, RegexSet};

/// What to call it, and how it is written. Patterns see one line, whatever its case.
const TABLE: &[(&str, &str)] = &[
    (
        "rm -r",
        r"\brm\s+(-\S+\s+)*-[a-z]*r|\brm\s+(-\S+\s+)*--recursive",
    ),
    ("rm -f", r"\brm\s+(-\S+\s+)*-f\S*\s+\S*[*/]"),
    ("find -delete", r"\bfind\s.*\s-delete\b"),
    ("dd of=", r"\bdd\s.*\bof="),
    ("mkfs", r"\bmkfs(\.\w+)?\s"),
    ("wipefs", r"\bwipefs\s"),
    ("shred", r"\bshred\s"),
    ("blkdiscard", r"\bblkdiscard\s"),
    ("truncate", r"\btruncate\s+(-s|--size)|\btruncate\s+table\b"),
    ("lvremove", r"\b(lv|vg|pv)remove\s"),
    (
        "parted rm",
        r"\bparted\s.*\b(rm|mklabel)\b|\bsgdisk\s.*(-Z|--zap)",
    ),
    ("zfs destroy", r"\bz(fs|pool)\s+destroy\b"),
    ("zfs rollback", r"\bzfs\s+rollback\b"),
    ("btrfs subvolume delete", r"\bbtrfs\s+subvolume\s+delete\b"),
    ("kubectl delete", r"\bkubectl\s(.*\s)?delete\b"),
    ("kubectl drain", r"\bkubectl\s(.*\s)?drain\b"),
    (
        "kubectl replace --force",
        r"\bkubectl\s(.*\s)?replace\s.*--force",
    ),
    ("helm uninstall", r"\bhelm\s(.*\s)?(uninstall|delete)\b"),
    ("docker rm", r"\b(docker|podman)\s(.*\s)?(rm|rmi|prune)\b"),
    (
        "terraform destroy",
        r"\b(terraform|tofu|terragrunt)\s(.*\s)?(destroy|apply\s.*-destroy)\b",
    ),
    ("pulumi destroy", r"\bpulumi\s(.*\s)?destroy\b"),
    (
        "aws delete",
        r"\baws\s+\S+\s+(delete|terminate|deregister|purge|schedule-key-deletion|remove)[a-z-]*",
    ),
    ("aws revoke", r"\baws\s+iam\s+(deactivate|detach)[a-z-]*"),
    (
        "aws s3 rm",
        r"\baws\s+s3\s+(rm|rb)\b|\baws\s+s3\s+sync\s.*--delete",
    ),
    (
        "gcloud delete",
        r"\b(gcloud|gsutil|bq)\s(.*\s)?(delete|rm|destroy)\b",
    ),
    ("az delete", r"\baz\s(.*\s)?(delete|purge)\b"),
    ("openstack delete", r"\bopenstack\s(.*\s)?delete\b"),
    ("vault delete", r"\bvault\s(.*\s)?(delete|destroy|revoke)\b"),
    (
        "drop",
        r"\bdrop\s+(table|database|schema|index|user|role|view|tablespace|collection)\b|\bdropdb\s|\bdropuser\s",
    ),
    ("delete from", r"\bdelete\s+from\b"),
    (
        "pg_resetwal",
        r"\bpg_resetwal\b|\bpg_ctl\s(.*\s)?promote\b|\bpg_promote\b",
    ),
    ("flushall", r"\bflush(all|db)\b"),
    (
        "git push --force",
        r"\bgit\s(.*\s)?push\s(.*\s)?(--force|-f\b|--mirror|--delete)",
    ),
    (
        "git reset --hard",
        r"\bgit\s(.*\s)?(reset\s+--hard|clean\s+-\S*f)",
    ),
    ("rsync --delete", r"\brsync\s.*--delete"),
    ("userdel", r"\b(userdel|groupdel|deluser)\s"),
    (
        "iptables -F",
        r"\bip6?tables\s(.*\s)?(-F|--flush)|\bnft\s(.*\s)?flush\b",
    ),
    (
        "shutdown",
        r"(^|[\s;&|(])(shutdown|poweroff|halt|reboot)(\s|$)|\bsystemctl\s+(poweroff|reboot|halt)\b|\binit\s+[06]\b",
    ),
    ("crontab -r", r"\bcrontab\s+(-\S+\s+)*-r\b"),
    (
        "write to a device",
        r">\s*/dev/(sd|nvme|vd|xvd|mapper/|disk)",
    ),
    (
        "apt purge",
        r"\b(apt|apt-get|dnf|yum)\s(.*\s)?(purge|remove|autoremove|erase)\b",
    ),
    (
        "rabbitmqctl",
        r"\brabbitmqctl\s(.*\s)?(delete_\w+|purge_queue|reset|force_reset)\b",
    ),
    (
        "kafka delete",
        r"\bkafka-(topics|delete-records|consumer-groups)\S*\s.*--delete\b|\bkafka-delete-records",
    ),
    (
        "curl -X DELETE",
        r"\bcurl\s.*(-X|--request)[\s=]*.?DELETE\b",
    ),
    ("redis", r"\bredis-cli\s(.*\s)?(del|unlink)\s"),
    ("mongo drop", r"\.(dropDatabase|drop|deleteMany|remove)\("),
];

static SET: LazyLock<Option<RegexSet>> = LazyLock::new(|| {
    RegexSet::new(TABLE.iter().map(|(_, pattern)| format!("(?im){pattern}"))).ok()
});

/// The first thing in a script that looks destructive: its name and where it begins, in bytes.
pub(crate) fn find(script: &str) -> Option<(&'static str, usize)> {
    let set = SET.as_ref()?;
    if !set.is_match(script) {
        return None;
    }
    let mut start = 0;
    for line in script.split_inclusive('\n') {
        let code = line.trim_start();
        let rehearsed = code.contains("--dry-run")
            || code.contains("--dryrun")
            || code.contains("--check-only");
        if !code.starts_with('#') && !rehearsed {
            let first = set.matches(line).into_iter().next();
            if let Some((name, pattern)) = first.and_then(|index| TABLE.get(index)) {
                let at = Regex::new(&format!("(?im){pattern}")).ok()?.find(line)?;
                let blanks = at.as_str().len() - at.as_str().trim_start().len();
                return Some((name, start + at.start() + blanks));
            }
        }
        start += line.len();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_destroys_is_seen() {
        for script in [
            "rm -rf /srv/x",
            "sudo rm -fr x",
            "rm --recursive x",
            "kubectl -n app delete pod x",
            "DROP TABLE users;",
            "psql -c 'delete from t'",
            "terraform -chdir=x destroy",
            "aws iam delete-access-key --user x",
            "aws ec2 terminate-instances --ids x",
            "dd if=/dev/zero of=/dev/sda",
            "mkfs.ext4 /dev/sdb",
            "truncate -s 0 log",
            "git push origin main --force",
            "git push -f",
            "helm uninstall api",
            "zfs destroy tank/x",
            "reboot",
            "systemctl reboot",
            "curl -X DELETE https://x",
            "redis-cli flushall",
        ] {
            assert!(find(script).is_some(), "{script}");
        }
    }

    #[test]
    fn what_only_reads_is_not() {
        for script in [
            "ls -la",
            "kubectl get pods",
            "echo form",
            "kubectl delete pod x --dry-run=client",
            "# rm -rf x",
            "aws iam list-access-keys",
            "terraform plan",
            "git push origin main",
            "farm -r x",
            "helm list",
            "grep reboots log",
            "dd if=/dev/sda bs=1M count=1",
        ] {
            assert_eq!(find(script), None, "{script}");
        }
    }

    #[test]
    fn every_pattern_of_the_table_can_be_used() {
        assert!(SET.is_some());
        let (name, at) = find("echo ok\n  rm -rf x\n").unwrap();
        assert_eq!((name, at), ("rm -r", 10));
    }
}
