#!/usr/bin/env python3
"""Checks that every test that SECURITY.md names is there, and that every row of its table names one or says `–`."""

import pathlib
import re
import sys

root = pathlib.Path(__file__).resolve().parent.parent
text = (root / "SECURITY.md").read_text()
rust = "\n".join(p.read_text() for p in sorted((root / "crates").rglob("*.rs")))
page = "\n".join(p.read_text() for p in [*root.glob("ui/src/**/*.test.ts"), *root.glob("ui/e2e/*.spec.ts")])
tests = set(re.findall(r"#\[(?:tokio::)?test[^\n]*\]\n(?:\s*#\[[^\n]*\n)*\s*(?:async )?fn (\w+)\(", rust))
# proptest! writes its attributes above the same way; its functions take arguments over several lines.

missing = []
# A name of a test has four words or more; shorter ones in backticks are types, files and functions.
for name in re.findall(r"`([a-z0-9]+(?:_[a-z0-9]+){3,})`", text):
    if name not in tests:
        missing.append(f"{name}: no test has this name")
for title in re.findall(r"`ui: ([^`]+)`", text):
    if title not in page:
        missing.append(f"{title}: no test of the page has this title")
rows = [line for line in text.splitlines() if line.startswith("| **")]
for row in rows:
    last = row.rstrip("| ").rsplit("|", 1)[-1].strip()
    if last != "–" and "`" not in last:
        missing.append(f"{row[:60]}…: names no test")
if missing or not rows:
    print("SECURITY.md:", *(missing or ["its table is not found"]), sep="\n  ", file=sys.stderr)
    sys.exit(1)
print(f"SECURITY.md: {len(rows)} attackers; every test that is named is there")
