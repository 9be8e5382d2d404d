"""Measures other libraries that load and save pictures, on the files of a folder.

    python3 peers.py --dir DIR --op load|save|convert [--threads N] [--out TMP] [--json]

load:     every file of DIR to pixels, on the GPU where the library can
save:     pictures of DIR to JPEG (quality 90), PNG and WebP (quality 85), as many as DIR has
convert:  every JPEG of DIR to pixels and back to a JPEG (quality 90)

Libraries that are not here are left out, and each is measured in a process of its own, so that one
that fails or crashes takes nothing else along. Times are the median of three after a few files
that do not count. Results go to standard output, with --json one object a line:

    {"peer", "version", "op", "format", "images", "seconds", "images_per_s", "threads", "result"}

Everything else, such as what was left out and why, goes to standard error.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

from libraries import PEERS

SAMPLES = 3
# Pictures that are held to be saved, each several times.
MOST_KEPT = 16
EXTENSIONS = {"jpg": "jpg", "jpeg": "jpg", "png": "png", "webp": "webp", "tif": "tif", "tiff": "tif"}


def arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--dir", required=True, help="the folder of pictures")
    parser.add_argument("--op", required=True, choices=["load", "save", "convert"])
    parser.add_argument("--threads", type=int, default=16)
    parser.add_argument("--out", help="where files are written, and removed [default: temporary]")
    parser.add_argument("--formats", default="jpg,png,webp", help="for save")
    parser.add_argument("--png-level", type=int, help="0 to 9 [default: each library's own]")
    parser.add_argument("--peers", default=",".join(PEERS), help="which, with commas between")
    parser.add_argument("--timeout", type=float, default=600, help="seconds for each library")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--one", choices=list(PEERS), help=argparse.SUPPRESS)
    return parser.parse_args()


def note(text):
    line = "; ".join(str(text).split("\n"))
    print(f"peers: {line}", file=sys.stderr, flush=True)


def main():
    args = arguments()
    if args.one:
        return measure(args)
    if args.out:
        os.makedirs(args.out, exist_ok=True)
    found = 0
    for name in args.peers.split(","):
        if name not in PEERS:
            note(f"{name}: no such library; there are {', '.join(PEERS)}")
            continue
        output = one(name, args)
        for line in output.splitlines():
            try:
                found += report(json.loads(line), args.json)
            except ValueError:
                note(f"{name}: {line}")  # what the library prints itself
    if not found:
        note("nothing was measured: pip install pyvips[binary] Pillow opencv-python-headless …")
    return 0


def one(name, args):
    """What a process that measures this library alone prints."""
    # Here, so that it is removed however the process ends.
    with tempfile.TemporaryDirectory(prefix="peers-", dir=args.out) as folder:
        own = ["--one", name, "--out", folder]
        command = [sys.executable, os.path.abspath(__file__), *sys.argv[1:], *own]
        try:
            run = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=args.timeout)
        except subprocess.TimeoutExpired as expired:
            note(f"{name}: stopped after {args.timeout:.0f} s")
            output = expired.stdout or b""  # bytes, even where text was asked for
            return output.decode() if isinstance(output, bytes) else output
        if run.returncode != 0:
            note(f"{name}: failed with status {run.returncode}")
        return run.stdout


def report(result, as_json):
    if as_json:
        print(json.dumps(result), flush=True)
    else:
        print(
            "{peer:14}{version:>18}{op:>9}{format:>7}{images:>7} images{seconds:>9.3f} s"
            "{images_per_s:>10.1f} images/s  {result}".format(**result),
            flush=True,
        )
    return 1


def measure(args):
    """Everything of one library."""
    kind = PEERS[args.one]
    try:
        peer = kind(args.threads, args.png_level)
    except ImportError as error:
        note(f"{kind.name}: left out: {error}")
        return 0
    except Exception as error:
        note(f"{kind.name}: left out: it cannot run here: {error}")
        return 0
    files = pictures(args.dir)
    formats = args.formats.split(",") if args.op == "save" else [None]
    for format in formats:
        folder = tempfile.mkdtemp(prefix="peers-", dir=args.out)
        try:
            measure_one(peer, args.op, format, files, folder)
        except Exception as error:
            what = args.op if format is None else f"{args.op} {format}"
            note(f"{kind.name}: {what}: {type(error).__name__}: {str(error).strip()}")
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    return 0


def pictures(folder):
    """Files and their formats, sorted."""
    found = []
    for name in sorted(os.listdir(folder)):
        format = EXTENSIONS.get(os.path.splitext(name)[1][1:].lower())
        if format:
            found.append((os.path.join(folder, name), format))
    return found


def measure_one(peer, op, format, files, folder):
    if op == "convert":
        files = [(path, kind) for path, kind in files if kind == "jpg"]
        format = "jpg"
    if peer.loads is not None and op != "convert":
        files = [(path, kind) for path, kind in files if kind in peer.loads]
    if not files:
        return note(f"{peer.name}: {op}: no files that it reads")
    if op == "save" and peer.saves is not None and format not in peer.saves:
        return note(f"{peer.name}: {op} {format}: left out: it writes {', '.join(peer.saves)}")
    kinds = sorted({kind for _, kind in files})
    format = format or "+".join(kinds)
    paths = [path for path, _ in files]
    targets = [os.path.join(folder, f"{i}.{format}") for i in range(len(paths))]
    if op == "save":
        kept = peer.keep(paths[:MOST_KEPT])
        sources = [kept[i % len(kept)] for i in range(len(paths))]
        act = lambda count: peer.save(sources[:count], targets[:count])
    elif op == "convert":
        act = lambda count: peer.convert(paths[:count], targets[:count])
    else:
        act = lambda count: peer.load(paths[:count])

    act(min(len(paths), 2 * peer.threads))
    times = []
    for _ in range(SAMPLES):
        start = time.perf_counter()
        act(len(paths))
        times.append(time.perf_counter() - start)
    seconds = statistics.median(times)
    result = {
        "peer": peer.name,
        "version": peer.version,
        "op": op,
        "format": format,
        "images": len(paths),
        "seconds": round(seconds, 6),
        "images_per_s": round(len(paths) / seconds, 3),
        "threads": peer.threads,
        "result": peer.result,
    }
    print(json.dumps(result), flush=True)


if __name__ == "__main__":
    sys.exit(main())
