"""Reports of `louver eval ... --json` in a folder, N.WHAT.json for model N, to EVALUATION.md on standard output."""
import json
import pathlib
import subprocess
import sys


def gate_ratio(quiet):
    """Where the gate never closed there is no quotient."""
    return f"{quiet['ratio']:.2f}" if quiet["seconds"] > 0 else "never closed"


def gate_worth(quiet):
    return quiet["ratio"] if quiet["seconds"] > 0 else 1.0


# The marks: for models that find nine people of ten, and for the default model.
GOOD, DEFAULT = 0, 1
DEFAULT_MODEL = "ssd_mobilenetv2_oidv4.onnx"

folder = pathlib.Path(sys.argv[1])
whole = {path.name[: -len(".json")]: json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))}
numbers = sorted({name.split(".")[0] for name in whole})


def figures(number, what):
    report = whole.get(f"{number}.{what}")
    return report and report["figures"]


def model(number):
    return next(r["model"] for name, r in whole.items() if name.startswith(f"{number}."))


def share(s):
    return f"{s['percent']:.2f} % ({s['count']:,} of {s['of']:,})" if s["of"] else "–"


def hits(h):
    return f"{h['true_hits']} ({h['all']} in all, {h['pictures']} pictures)"


def row(name, what, show, number=None, marks=None, sign="≤", unit=" %"):
    """A line of a table: `show` a report's figures, and whether `number` of them reaches the mark."""
    cells = []
    for n in numbers:
        f = figures(n, what)
        if f is None:
            cells.append("not measured")
            continue
        cell = show(f)
        if marks is not None:
            mark = marks[DEFAULT if model(n) == DEFAULT_MODEL else GOOD]
            reached = number(f) <= mark if sign == "≤" else number(f) >= mark
            cell += "" if reached else " **missed**"
        cells.append(cell)
    said = "" if marks is None else f"{sign} {marks[GOOD]}{unit}"
    if marks is not None and marks[GOOD] != marks[DEFAULT]:
        said += f"; default {sign} {marks[DEFAULT]}{unit}"
    print(f"| {name} | {' | '.join(cells)} | {said} |")


def head(first, last="mark"):
    print(f"\n| {first} | {' | '.join(f'`{model(n)}`' for n in numbers)} | {last} |")
    print(f"|---|{'---|' * len(numbers)}---|")


def face(larger, side):
    at = lambda f: next((a for a in (f["faces"] or {"at": []})["at"] if a["larger"] == larger), None)
    return lambda f: at(f)[side] if at(f) else {"true_hits": 0, "all": 0, "pictures": 0}


def stream(name):
    return lambda f: next(s for s in f["streams"] if s["name"] == name)


first = next(iter(whole.values()))
version = subprocess.run(["git", "describe", "--always", "--dirty"], capture_output=True, text=True).stdout.strip()
mask = figures(numbers[0], "mask")
print(f"""# How well Louver does what it promises

Made by `make eval` at {version} (Louver {first['louver']}) on {first['machine']['processor']}, {first['machine']['cores']} cores. Do not edit.

Footage: `{mask['footage']}` (PETS 2009 S2.L1, view 001; Debian's package `opencv-doc`), {mask['frames']}
pictures at about 10 a second, 1 to 9 people walking; ground truth by A. Milan. One clip is not the world: outdoors, by
day, people 40 to 130 pixels high. Other footage gives other figures. Each mark stands in its line; what misses it says so.

## Masking""")
head("measure")
# The marks are held against the median, the stricter of the two; the range stands beside it.
strict = lambda way, part: lambda f: share(f["against_median"][way][part])
percent = lambda part: lambda f: f["against_median"]["shown"][part]["percent"]
row("head leak", "mask", strict("shown", "head"), percent("head"), (0.1, 0.5))
row("head leak, what the place never shows (range)", "mask", lambda f: share(f["shown"]["head"]))
row("body leak", "mask", strict("shown", "body"), percent("body"), (1, 2))
row("body leak, what the place never shows (range)", "mask", lambda f: share(f["shown"]["body"]))
row("person detector on output, true hits", "mask", lambda f: hits(f["person_hits_on_output"]),
    lambda f: f["person_hits_on_output"]["true_hits"], (0, 0), unit="")
row("person-frames it finds on output", "mask", lambda f: share(f["detector_on_output"]),
    lambda f: f["detector_on_output"]["count"], (0, 0), unit="")
for larger, name in [(1, "face detector on output, true hits"), (2, "the same on pictures twice as large")]:
    out = face(larger, "output")
    row(name, "mask", lambda f, out=out: hits(out(f)), lambda f, out=out: out(f)["true_hits"], (0, 0), unit="")
row("over-mask", "mask", lambda f: share(f["over_mask"]), lambda f: f["over_mask"]["percent"], (6, 8))
row("tracks followed", "mask", lambda f: share(f["tracks_followed"]), lambda f: f["tracks_followed"]["percent"],
    (95, 90), sign="≥")
row("over-mask that can be seen", "mask", lambda f: share(f["over_mask_visible"]))
row("ghosts", "mask", lambda f: share(f["against_median"]["ghosts"]))
row("ghosts, what the place never shows (range)", "mask", lambda f: share(f["ghosts"]))
row("head leak of the backdrop alone", "mask", strict("backdrop_alone", "head"))
row("the same, range", "mask", lambda f: share(f["backdrop_alone"]["head"]))
row("body leak of the backdrop alone", "mask", strict("backdrop_alone", "body"))
row("*head leak if nothing were masked*", "mask", strict("unmasked", "head"))
row("*the same, range*", "mask", lambda f: share(f["unmasked"]["head"]))
row("*body leak if nothing were masked*", "mask", strict("unmasked", "body"))
row("*the same, range*", "mask", lambda f: share(f["unmasked"]["body"]))
row("*person-frames the detector finds on input*", "mask", lambda f: share(f["detector_on_input"]))
row("*person detector on input, true hits*", "mask", lambda f: hits(f["person_hits_on_input"]))
row("*face detector on input, true hits*", "mask", lambda f: hits(face(1, "input")(f)))
row("*the same on pictures twice as large*", "mask", lambda f: hits(face(2, "input")(f)))

print("\n## Built scenes\n\nPictures that show anybody's head, of all, held against the median of each pixel; the mark is none. In brackets: those in"
      " which it is\nsomething that the place never shows (range): the rest is what sways. Behind it: when 95 % of what lies outside the people is"
      " shown again\nafter it happened, and how much is at the end. Heads that the measure finds if nothing were masked stand in the reports.")
head("scene", "what happens")
scenes = {n: {s["name"]: s for s in (figures(n, "scenes") or {"scenes": []})["scenes"]} for n in numbers}
for name, says in {s["name"]: s["says"] for n in numbers for s in scenes[n].values()}.items():
    cells = []
    for n in numbers:
        s = scenes[n].get(name)
        if s is None:
            cells.append("not measured")
            continue
        heads, clear = s["frames_with_a_head"], s["clear_again_seconds"]
        again = f"{clear:.1f} s" if clear is not None else "never"
        subject = f", {s['subject']['head']['count']} of the latter this person's" if s["subject"] and heads["count"] else ""
        strictly = s["frames_with_a_head_against_median"]["count"]
        missed = " **missed**" if strictly else ""
        cells.append(f"{strictly} ({heads['count']}) of {heads['of']:,}{subject}{missed}; {again}, {s['clear_at_end_percent']:.0f} %")
    print(f"| {name} | {' | '.join(cells)} | {says} |")

print("\n## Following and events")
head("measure")
row("people with an event", "track", lambda f: share(f["events"]["people"]))
row("events a person (1 is right)", "track", lambda f: f"{f['events']['per_person']:.2f}")
row("events of nobody", "track", lambda f: str(f["events"]["of_nobody"]))
row("events of vehicles and animals (there are none)", "track", lambda f: str(f["events"]["of_others"]))
for n, at in enumerate(figures(numbers[0], "track")["at"] if figures(numbers[0], "track") else []):
    said = f"at an IoU of {at['overlap']:.1f}" if at["by"] == "iou" else "by half of the person covered"
    row(f"IDF1 {said}", "track", lambda f, n=n: f"{f['at'][n]['idf1_percent']:.1f} %")
    row(f"MOTA {said}", "track", lambda f, n=n: f"{f['at'][n]['mota_percent']:.1f} %")
    row(f"switches, fragments, numbers a person {said}", "track", lambda f, n=n: "{switches}, {fragments}, "
        "{numbers_per_person:.2f}".format(**f["at"][n]))
if any(figures(n, "gate") for n in numbers):
    row("events with the gate, of those without", "gate", lambda f: share(f["recall"]), lambda f: f["recall"]["percent"],
        (98, 98), sign="≥")

print("\n## Speed\n\nA sub stream of 640 pixels across, each way gone five times in turns, the fastest by CPU time counting."
      " Quotients of one run, not\nmilliseconds, mean something on another machine. Bare decoding throws its pictures away; copying them"
      " out counts as seeing. The\nquotient hangs on how dear a stream is to decode: *busy* and *quiet* are coded as cameras code"
      " (x264, High profile, constant\nquality), *busy-light* is the same clip coded as cheaply to decode as can be (openh264,"
      " Baseline, a low rate).")
head("measure")
for name, mark in [("busy", 1.6), ("busy-light", None), ("quiet", 0.25)]:
    of = stream(name)
    # Behind the gate, where that was measured, a quiet stream has its mark there.
    marked = name == "busy" or (name == "quiet" and not any(figures(n, "gate") for n in numbers))
    row(f"{name}: decode and see, by decode alone", "speed", lambda f, of=of: f"{of(f)['times_decode']:.2f}",
        lambda f, of=of: of(f)["times_decode"], (mark, mark) if marked else None, unit="")
    row(f"{name}: with drawing", "speed", lambda f, of=of: f"{of(f)['times_decode_with_drawing']:.2f}")
    row(f"{name}: ms a picture: decode; decode and see; detector", "speed", lambda f, of=of:
        "{decode_ms:.2f}; {decode_and_see_ms:.2f}; {detect_ms:.2f}".format(**of(f)))
    row(f"{name}: detector runs a second of video", "speed",
        lambda f, of=of: f"{of(f)['detector_runs_per_second']:.2f}",
        lambda f, of=of: of(f)["detector_runs_per_second"], (1, 1), unit="")

for n, file in enumerate(next((f["files"] for f in map(lambda n: figures(n, "gate"), numbers) if f), [])):
    row(f"quiet, behind the gate, by decode alone: {file['says'] or file['footage']}", "gate",
        lambda f, n=n: gate_ratio(f["files"][n]["quiet"]), lambda f, n=n: gate_worth(f["files"][n]["quiet"]), (0.25, 0.25),
        unit="")

other = [figures(n, "other") for n in numbers]
if all(other):
    print(f"\n## Other footage\n\n`{other[0]['footage']}` (car park from above, intel-iot-devkit sample-videos, CC BY 4.0), {other[0]['frames']}"
          " pictures. There is no ground\ntruth: cars and a cyclist that are rightly masked count as over-mask, and no hit can be told to be true.")
    head("measure", "")
    row("over-mask", "other", lambda f: share(f["over_mask"]))
    row("over-mask that can be seen", "other", lambda f: share(f["over_mask_visible"]))
    row("person detector's hits on output", "other", lambda f: str(f["person_hits_on_output"]["all"]))
    row("*on input*", "other", lambda f: str(f["person_hits_on_input"]["all"]))
    row("face detector's hits on output", "other", lambda f: str(face(1, "output")(f)["all"]))
    row("*on input*", "other", lambda f: str(face(1, "input")(f)["all"]))

print("""
## What the measures mean

Every picture is measured at its own time against the ground-truth boxes, from the first picture on.

- **Head leak**: share of person-frames where more than 10 % of the head zone (top 18 % by middle 50 % of the box) shows
  pixels that came from the camera and are not the empty place. The empty place is not the product's own backdrop but what each
  pixel showed over the whole clip while no annotated person was near (boxes widened by a third of their width): its median. A
  pixel differs from it by more than 25 levels of luma or 12 of chroma. Somebody who was learned into the backdrop leaks for as long as he is
  in it. The marks are held against this.
- **Range**: of those pixels, the ones that are besides off by more than 6 levels or 3, coding noise, from everything that the pixel
  showed of the empty place. The range leaves out, at either end, what was shown in less than a fiftieth of all pictures looked at (the
  free ones and the others), so that nobody whom the annotation forgot in passing widens it; where a pixel was not free often enough it
  has no range. On this clip barrier tape, a lamp post and a cone sway and differ from their own median: pictures in which every
  person was covered count as showing a head because tape beside the cover had moved. The range was brought in after that was
  seen, and its two numbers were chosen on this clip, so no mark is held against it; what it costs in sharpness stands in the lines *if nothing
  were masked*. What it cannot see: somebody whose pixels lie within what tape or leaves show at that very place; somebody not
  annotated who stays in one place for more than a fiftieth of the clip.
- **Body leak**: likewise, more than 25 % of the box.
- **Ghosts**: places where a head was up to a minute ago and nobody is now, looked at in every tenth picture: the share that
  shows what is not the empty place, as a head leak does. Somebody who was learned into the backdrop and has left; also a
  thing of the place that was moved.
- **Of the backdrop alone**: the same without the boxes drawn over it; stricter than what anyone is shown.
- **Over-mask**: share of pixels outside all person boxes (widened by 15 %) that are masked: unknown or occupied cells and
  whatever lies under a figure, whether or not it looks different from the clip. **That can be seen**: of all those pixels, the
  share that looks different (as above) from the clip.
- **Person detector on output**: the same model at the score that makes events, in every fifth picture. *Person-frames it
  finds*: ground-truth boxes that a detection meets (IoU 0.5), whatever is seen there. *True hits*: detections that meet a ground-truth
  box, more than a tenth of what both cover not being the median of the place.
- **Face detector on output**: YuNet at a score of 0.3, likewise, at the clip's size and twice as large. *True hits*: boxes whose
  middle lies in a head zone of the ground truth, whatever is seen there.
- **Tracks followed**: ground-truth tracks with a figure over at least half of their box for at least 80 % of their time.
- **Built scenes** are made of the clip's own pixels (`louver eval scenes --help`). Somebody who stands still was cut out along his
  outline and is the same to the last pixel for ten minutes, while the clip runs on forward and backward around him; who comes
  nearer passes before him. After a change of light or view a pixel of the empty place in any of its looks shows nobody. At
  night, where contrast is less than noise, means over 5x5 pixels are compared, and the 25 levels shrink with the light. Lost
  packets are lost after the first key frame, by dice that fall alike each time.
- **IDF1** (Ristani et al. 2016), **MOTA**, switches and fragments (Bernardin and Stiefelhagen 2008) are of figures of people as drawn. Figures are
  snapped to a coarse grid on purpose, which costs overlap: an IoU of 0.5 is usual; 0.3 and half of the person's box covered are given
  beside it.
- **Events a person**: events of somebody entering whose box covers half of the person's, by people in the ground truth.""")
