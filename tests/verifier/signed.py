"""Statements in their one spelling, SSH signatures, and `allowed_signers`."""
import base64
import hashlib
import re
import subprocess
import tempfile
import time
import unicodedata
from functools import lru_cache
from types import SimpleNamespace as Of

from forms import DIGEST, PRINCIPAL, Wrong, is_time, need, seconds

APPROVAL = ("incident genesis policy runbook step request frontier? exec? vars? display? requester executor? approver? role? quorum? "
            "decision consumes? reason? not-before? not-after? nonce").split()
REVIEW = "incident genesis policy override events reviewer decision reason? time nonce".split()
CLOSE = "incident genesis policy heads closer decision time nonce".split()
POLICY = "incident genesis policy adopts adopter reason? time nonce".split()
EXPUNGE = "incident genesis policy evidence expunger reason? time nonce".split()
HEADERS = {
    "runsheet-approval v1": (APPROVAL, "request approve deny withdraw override consume"),
    "runsheet-review v1": (REVIEW, "accepted rejected"),
    "runsheet-close v1": (CLOSE, "close reopen"), "runsheet-policy v1": (POLICY, ""), "runsheet-expunge v1": (EXPUNGE, ""),
}
WORD, COMMIT, NUMBER = r"(?!-(?![A-Za-z0-9._-]))[A-Za-z0-9._-]{1,128}", r"(?:[0-9a-f]{40}|[0-9a-f]{64})", r"(?:0|[1-9][0-9]{0,9})"
D, P, ESCAPED = DIGEST.pattern, r"(?!-(?![a-z0-9._@+-]))[a-z0-9._@+-]{1,128}", r"(?:[A-Za-z0-9._~/-]|%[0-9A-F]{2})+"
VALUES = {
    "incident": WORD, "policy": f"{COMMIT} {D}", "runbook": f"{COMMIT} ({ESCAPED}) {D}", "step": f"{WORD}/{WORD}#({NUMBER})",
    "requester": P, "approver": P, "reviewer": P, "closer": P, "adopter": P, "expunger": P, "adopts": f"{COMMIT} {D}", "executor": f"{P}/{WORD}/{WORD}", "role": WORD,
    "quorum": f"({NUMBER})/{WORD}", "reason": f"({ESCAPED})", "nonce": "[0-9a-f]{32}", "time": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ",
}
VALUES.update({"not-before": VALUES["time"], "not-after": VALUES["time"]})
VALUES = {name: re.compile(value, re.ASCII) for name, value in VALUES.items()}


def percent(text):
    if text == "-":
        return "%2D"
    return "".join(chr(b) if re.match(r"[A-Za-z0-9._~/-]", chr(b)) and b < 128 else f"%{b:02X}" for b in text.encode())


def plain_of(escaped):
    try:
        text = re.sub(b"%(..)", lambda m: bytes([int(m[1], 16)]), escaped.encode()).decode()
    except ValueError:
        raise Wrong("what is percent-encoded is not UTF-8") from None
    need(percent(text) == escaped, "it is percent-encoded in another way than it must be")
    return text


@lru_cache(100_000)
def read_statement(text):
    """The header, and the values by name; None for `-`."""
    need(len(text) <= 4096 and re.fullmatch("[ -~\n]*", text), "the statement is too long or not ASCII")
    rows = text.split("\n")
    need(rows[0] in HEADERS and rows[-1] == "", "the statement has no known first line, or ends without LF")
    names, decisions = HEADERS[rows[0]]
    need(len(rows) == len(names) + 2, "the statement has not the lines it must have")
    values = {}
    for name, row in zip(names, rows[1:]):
        bare, optional = name.rstrip("?"), name.endswith("?")
        need(row.startswith(bare + ": "), f"the line `{bare}:` is not where it must be")
        value = row[len(bare) + 2:]
        values[bare] = None if optional and value == "-" else check_value(bare, value, decisions)
    if rows[0] == "runsheet-approval v1":
        decision = values["decision"]
        need((decision == "consume") == (values["consumes"] is not None), "`consumes` goes with `consume` only")
        need(values["approver"] or decision not in ("approve", "deny", "override"), f"{decision} needs an approver")
        need(values["executor"] or decision != "consume", "consume needs an executor")
        need(values["reason"] or decision != "override", "an override needs a reason")
        need(not (values["not-before"] and values["not-after"]) or values["not-before"] <= values["not-after"], "not-after is before not-before")
    return rows[0], values


def check_value(name, value, decisions):
    if name == "decision":
        need(value in decisions.split(), f"decision: {value[:40]}")
        return value
    match = VALUES.get(name, DIGEST).fullmatch(value)
    need(match, f"`{name}` of the statement is not of its form")
    if name in ("time", "not-before", "not-after"):
        need(is_time(value), f"`{name}` is no time")
    if name in ("step", "quorum"):
        need(int(match[1]) < 1 << 32 and (name == "quorum" or int(match[1]) > 0), f"`{name}` has a wrong number")
    if name == "runbook":
        path = plain_of(match[1])
        parts = path.split("/")
        need(len(path.encode()) <= 1024 and not {"", ".", ".."} & set(parts), "the runbook's path is none")
        need(not any(unicodedata.category(c) == "Cc" for c in path), "the runbook's path holds control characters")
    if name == "reason":
        reason = plain_of(match[1])
        need(len(reason.encode()) <= 1024, "the reason is longer than 1 KiB")
        need(not any(unicodedata.category(c) == "Cc" and c != "\n" for c in reason), "the reason holds control characters")
    return value


# ---- signatures

BEGIN, END = "-----BEGIN SSH SIGNATURE-----\n", "-----END SSH SIGNATURE-----\n"
SPACES = {"live": "approval.v1@runsheet", "exercise": "exercise-approval.v1@runsheet"}
KEYS = {
    "ssh-ed25519": ["ssh-ed25519"], "ssh-rsa": ["rsa-sha2-256", "rsa-sha2-512"],
    "ecdsa-sha2-nistp256": ["ecdsa-sha2-nistp256"], "ecdsa-sha2-nistp384": ["ecdsa-sha2-nistp384"],
    "ecdsa-sha2-nistp521": ["ecdsa-sha2-nistp521"], "sk-ssh-ed25519@openssh.com": ["sk-ssh-ed25519@openssh.com"],
    "sk-ecdsa-sha2-nistp256@openssh.com": ["sk-ecdsa-sha2-nistp256@openssh.com"],
}
Q, L = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
CURVE = -121665 * pow(121666, Q - 2, Q) % Q
ROOT = pow(2, (Q - 1) // 4, Q)


def add(a, b):
    x, y, z, t = a
    u, v, w, s = b
    p, q, r, k = (y - x) * (v - u) % Q, (y + x) * (v + u) % Q, 2 * t * s * CURVE % Q, 2 * z * w % Q
    e, f, g, h = q - p, k - r, k + r, q + p
    return e * f % Q, g * h % Q, f * g % Q, e * h % Q


def point(data):
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & (1 << 255) - 1
    need(y < Q, "no point")
    square = (y * y - 1) * pow(CURVE * y * y + 1, Q - 2, Q) % Q
    x = pow(square, (Q + 3) // 8, Q)
    if x * x % Q != square:
        x = x * ROOT % Q
    need(x * x % Q == square and (x or not sign), "no point")
    x = Q - x if x & 1 != sign else x
    return x, y, 1, x * y % Q


BASE = point((4 * pow(5, Q - 2, Q) % Q).to_bytes(32, "little"))


def ed25519(key, message, signature):
    """RFC 8032, without the cofactor, as OpenSSH has it."""
    need(len(key) == 32 and len(signature) == 64, "a key or signature of another length")
    s = int.from_bytes(signature[32:], "little")
    need(s < L, "its second half is too large")
    h = int.from_bytes(hashlib.sha512(signature[:32] + key + message).digest(), "little") % L
    x, y, z, t = point(key)
    minus = (Q - x, y, z, Q - t)
    table, at = [None, BASE, minus, add(BASE, minus)], (0, 1, 1, 0)
    for bit in range(252, -1, -1):
        at = add(at, at)
        both = (s >> bit & 1) | (h >> bit & 1) << 1
        if both:
            at = add(at, table[both])
    inverse = pow(at[2], Q - 2, Q)
    encoded = (at[1] * inverse % Q | (at[0] * inverse % Q & 1) << 255).to_bytes(32, "little")
    need(encoded == signature[:32], "it does not match what was signed")


def strings(blob):
    found = []
    while blob:
        need(len(blob) >= 4, "it is cut short")
        size = int.from_bytes(blob[:4], "big")
        need(len(blob) >= 4 + size, "it is cut short")
        found.append(blob[4:4 + size])
        blob = blob[4 + size:]
    return found


def packed(*parts):
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)


def accepted_key(blob):
    """The kind of a key that counts here."""
    parts = strings(blob)
    kind = parts[0].decode("ascii", "replace") if parts else ""
    need(kind in KEYS, "a key of a kind that is not accepted")
    if kind == "ssh-rsa":
        need(len(parts) == 3 and all(part and part[0] < 128 for part in parts[1:]), "no key")
        e, n = (int.from_bytes(part, "big") for part in parts[1:])
        need(2048 <= n.bit_length() <= 4096 and n & 1 and e & 1 and e > 1, "an RSA key that is not accepted")
    else:
        need(len(parts) == {"ssh-ed25519": 2, "sk-ssh-ed25519@openssh.com": 3, "sk-ecdsa-sha2-nistp256@openssh.com": 4}.get(kind, 3), "no key")
        need("ed25519" not in kind or len(parts[1]) == 32, "no key")
        need("nistp" not in kind or parts[1].decode("ascii", "replace") == re.search("nistp[0-9]+", kind)[0], "no key")
    return kind


def stock(arguments, statement, armored, signers=""):
    """Whether `ssh-keygen -Y` says yes."""
    with tempfile.TemporaryDirectory() as dir:
        for name, text in (("sig", armored), ("signers", signers)):
            with open(f"{dir}/{name}", "w", encoding="utf-8", newline="") as file:
                file.write(text)
        command = ["ssh-keygen", "-Y"] + [a.format(dir=dir) for a in arguments] + ["-s", f"{dir}/sig"]
        return subprocess.run(command, input=statement.encode(), capture_output=True).returncode == 0


CHECKED = {}


def check_one(one):
    """The blob of the key whose signature over a statement this is, in this namespace, with the flags of a hardware key; or why it is none."""
    try:
        return signing_key(*one)
    except Wrong as wrong:
        return str(wrong)


def key_that_signed(*one):
    """The same, each once."""
    if one not in CHECKED:
        CHECKED[one] = check_one(one)
    return CHECKED[one]


def signing_key(statement, armored, namespace):
    need(len(statement.encode()) <= 4096 and len(armored.encode()) <= 16384, "too long")
    need(armored.startswith(BEGIN) and armored.endswith(END), "it is not armoured")
    try:
        blob = base64.b64decode(armored[len(BEGIN):-len(END)].replace("\n", ""), validate=True)
    except ValueError:
        raise Wrong("it is not armoured") from None
    digits = base64.b64encode(blob).decode()
    rows = [digits[at:at + 70] for at in range(0, len(digits), 70)] or [""]
    need(BEGIN + "\n".join(rows) + "\n" + END == armored, "it is not armoured as ssh-keygen does it")
    need(blob[:10] == b"SSHSIG\0\0\0\1", "it is no SSHSIG of version 1")
    parts = strings(blob[10:])
    need(len(parts) == 5, "it is cut short or has something left over")
    key, space, reserved, hashed, signed = parts
    need(space.decode("latin-1") == namespace, f"it is of another namespace than {namespace}")
    need(reserved == b"" and hashed in (b"sha256", b"sha512"), "its reserved field or its hash is wrong")
    kind = accepted_key(key)
    size = int.from_bytes(signed[:4], "big")
    end = 8 + size + int.from_bytes(signed[4 + size:8 + size], "big")
    (algorithm, signature), trailer = strings(signed[:end]), signed[end:]
    need(algorithm.decode("latin-1") in KEYS[kind], "its algorithm is not the key's")
    need(len(trailer) == (5 if kind.startswith("sk-") else 0), "it has something left over")
    need(not trailer or trailer[0] & 1, "the hardware key was not touched")
    if kind == "ssh-ed25519":
        message = b"SSHSIG" + packed(space, reserved, hashed, hashlib.new(hashed.decode(), statement.encode()).digest())
        ed25519(strings(key)[1], message, signature)
    else:
        need(kind != "ssh-rsa" or len(strings(key)[2].lstrip(b"\0")) == len(signature), "an RSA signature of another length")
        need(stock(["check-novalidate", "-n", namespace], statement, armored), "ssh-keygen does not verify it")
    return key, trailer[0] if trailer else 0


def fingerprint(key):
    return "SHA256:" + base64.b64encode(hashlib.sha256(key).digest()).decode().rstrip("=")


def glob_match(pattern, text):
    return re.fullmatch("".join({"*": ".*", "?": "."}.get(c, re.escape(c)) for c in pattern), text, re.DOTALL) is not None


class Signers:
    """`allowed_signers`: lines that count; `problem` where one does not, or means something else elsewhere."""

    def __init__(self, text):
        self.text, self.lines, self.problem = text, [], None
        if len(text.encode()) > 1 << 20:
            self.problem = "allowed_signers is longer than 1 MiB"
            return
        for number, line in enumerate(text.split("\n"), 1):
            try:
                entry = self.line(line.strip(" \t\r"))
                self.lines += [entry] if entry else []
            except Wrong as wrong:
                self.problem = self.problem or f"allowed_signers:{number}: {wrong}"

    def line(self, text):
        if not text or text.startswith("#"):
            return None
        need(not any(unicodedata.category(c) == "Cc" and c != "\t" for c in text), "it holds control characters")
        head = re.match(r'([^ \t"]*)(?:"([^"]*)")?[ \t]*', text)
        names, rest = head[1] + (head[2] or ""), text[head.end():]
        principals = names.split(",")
        need(all(PRINCIPAL.fullmatch(name) for name in principals), "it names no principals")
        options = ""
        if re.split("[ \t]", rest)[0] not in KEYS:
            found = re.match(r'((?:[^ \t"]|"(?:\\"|[^"])*")*)[ \t]+', rest)
            need(found, "it has no key")
            options, rest = found[1], rest[found.end():]
        words = re.split("[ \t]+", rest)
        need(words[0] in KEYS and len(words) > 1, "it has no key that is accepted")
        try:
            blob = base64.b64decode(words[1], validate=True)
        except ValueError:
            raise Wrong("its key cannot be read") from None
        need(accepted_key(blob) == words[0], "its key is of another kind")
        return Of(principals=principals, key=blob, **self.options(options))

    def options(self, text):
        found = {"namespaces": None, "after": None, "before": None}
        names = {"namespaces": "namespaces", "valid-after": "after", "valid-before": "before"}
        while text:
            option = re.match(r'([A-Za-z-]+)="((?:\\"|[^"])*)"(,(?=.)|$)', text)
            need(option and option[1].lower() in names, "it has an option that is not known")
            name, value = names[option[1].lower()], option[2].replace('\\"', '"')
            need(found[name] is None, "it has an option twice")
            found[name] = value if name == "namespaces" else self.stamp(value, name)
            text = text[option.end():]
        need(None in (found["after"], found["before"]) or found["before"] > found["after"], "valid-before is not after valid-after")
        return found

    def stamp(self, text, name):
        match = re.fullmatch(r"(\d{4})(\d\d)(\d\d)(?:(\d\d)(\d\d)(\d\d)?)?(z|utc)?", text.lower(), re.ASCII)
        need(match and 1971 <= int(match[1]) <= 9998, "a time must be YYYYMMDD[HHMM[SS]]Z")
        iso = "{}-{}-{}T{}:{}:{}Z".format(*(part or "00" for part in match.groups()[:6]))
        need(is_time(iso), "a time must be YYYYMMDD[HHMM[SS]]Z")
        if not match[7]:
            self.problem = self.problem or "a time in allowed_signers does not end in Z: it means another one elsewhere"
        return seconds(iso) + (0 if match[7] else 12 * 3600 if name == "after" else -14 * 3600)

    def without(self, who, key):
        """The same, with a principal who signs no longer, with this key or any."""
        shrunk = Signers("")
        shrunk.text, shrunk.problem = self.text, self.problem
        for line in self.lines:
            gone = key is None or fingerprint(line.key) == key
            shrunk.lines.append(Of(**dict(vars(line), principals=[name for name in line.principals if not gone or name != who])))
        return shrunk

    def allows(self, principal, key, namespace, at):
        for line in self.lines:
            if principal in line.principals and line.key == key:
                patterns = [] if line.namespaces is None else line.namespaces.split(",")
                here = not patterns or any(glob_match(p, namespace) for p in patterns if not p.startswith("!"))
                here = here and not any(glob_match(p[1:], namespace) for p in patterns if p.startswith("!"))
                if here and (line.after is None or at >= line.after) and (line.before is None or at <= line.before):
                    return True
        return False

    def verify(self, signed, mode, principal, at):
        """That this is the principal's signature."""
        statement, armored, space = signed["statement"], signed["signature"], SPACES[mode]
        found = key_that_signed(statement, armored, space)
        need(isinstance(found, tuple), f"the signature of {principal} does not hold: {found}")
        key = found[0]
        need(self.allows(principal, key, space, at), f"allowed_signers does not let this key sign as {principal} then")
        if Options.ssh_keygen:
            when = time.strftime("%Y%m%d%H%M%SZ", time.gmtime(at))
            asked = ["verify", "-n", space, "-f", "{dir}/signers", "-I", principal, "-O", f"verify-time={when}"]
            need(stock(asked, statement, armored, self.text), f"ssh-keygen does not verify the signature of {principal}")


Options = Of(ssh_keygen=False)
