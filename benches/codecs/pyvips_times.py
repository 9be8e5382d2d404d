"""What pyvips takes of the processor, used as PyImageCUDA uses it: files to 8-bit RGBA in memory,
and back.

Called by the bench `codecs` with files; prints "path<TAB>decode ms<TAB>encode ms<TAB>
encoded bytes" for each.
"""

import os
import statistics
import sys
import tempfile
import time

import pyvips

SAMPLES = 5

# Else a file decoded once is not decoded again.
pyvips.cache_set_max(0)


def median_ms(act):
    act()
    times = []
    for _ in range(SAMPLES):
        start = time.process_time()
        act()
        times.append((time.process_time() - start) * 1e3)
    return statistics.median(times)


def decode(path):
    image = pyvips.Image.new_from_file(path, access="sequential")
    if image.bands == 3:
        image = image.bandjoin(255)
    return image.write_to_memory()


def options(path):
    if "q90" in path:
        return {"Q": 90}
    if path.endswith(".webp"):
        return {"lossless": True}
    return {}


for path in sys.argv[1:]:
    image = pyvips.Image.new_from_file(path)
    pixels, width, height = decode(path), image.width, image.height
    with tempfile.TemporaryDirectory() as folder:
        target = os.path.join(folder, "out" + os.path.splitext(path)[1])

        def encode():
            source = pyvips.Image.new_from_memory(pixels, width, height, 4, "uchar")
            if target.endswith(".jpg"):
                source = source.flatten()
            source.write_to_file(target, **options(path))

        try:
            encoded = median_ms(encode)
            size = os.path.getsize(target)
        except pyvips.Error:
            encoded, size = float("nan"), 0
    print(path, median_ms(lambda: decode(path)), encoded, size, sep="\t", flush=True)
