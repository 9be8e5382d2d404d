"""Times other libraries on the host, for the bench `host`: milliseconds of the processor.

    python3 peers.py FOLDER jpeg PICTURE "444|420 [optimize|progressive]"
    python3 peers.py FOLDER convert SOURCE EXTENSION

`jpeg` prints what the faster of Pillow and OpenCV takes to encode with quality 90 (both have
libjpeg-turbo); `convert` what pyvips takes for a file on two threads, and its files a second.
"""

import io
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor

FILES = 24
TIME = 1.0


def measured(act):
    act()
    start, count = time.process_time(), 0
    while count == 0 or time.process_time() - start < TIME:
        act()
        count += 1
    return (time.process_time() - start) / count * 1e3


def pillow(picture, sampling, flags):
    from PIL import Image

    image = Image.open(picture).convert("RGB")
    image.load()
    subsampling = {"444": 0, "420": 2}[sampling]

    def act():
        image.save(io.BytesIO(), "JPEG", quality=90, subsampling=subsampling, **flags)

    return act


def opencv(picture, sampling, flags):
    import cv2

    cv2.setNumThreads(1)
    pixels = cv2.imread(picture)
    factors = {
        "444": cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444,
        "420": cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420,
    }
    options = [cv2.IMWRITE_JPEG_QUALITY, 90, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, factors[sampling]]
    if "optimize" in flags:
        options += [cv2.IMWRITE_JPEG_OPTIMIZE, 1]
    if "progressive" in flags:
        options += [cv2.IMWRITE_JPEG_PROGRESSIVE, 1]
    return lambda: cv2.imencode(".jpg", pixels, options)


def jpeg(picture, asked):
    sampling, *flags = asked.split()
    flags = {flag: True for flag in flags}
    times = []
    for library in (pillow, opencv):
        try:
            times.append(measured(library(picture, sampling, flags)))
        except ImportError:
            pass
    print(min(times, default=float("nan")))


def convert(folder, source, extension):
    import pyvips

    pyvips.cache_set_max(0)
    fastest = float("inf")

    def one(number):
        target = os.path.join(folder, f"vips{number}.{extension}")
        image = pyvips.Image.new_from_file(source, access="sequential")
        image.write_to_file(target, **({"Q": 90} if extension == "jpg" else {}))

    with ThreadPoolExecutor(2) as pool:

        def act():
            nonlocal fastest
            start = time.perf_counter()
            list(pool.map(one, range(FILES)))
            fastest = min(fastest, time.perf_counter() - start)

        took = measured(act) / FILES
    print(took, FILES / fastest)


folder, what, *rest = sys.argv[1:]
if what == "jpeg":
    jpeg(*rest)
else:
    convert(folder, *rest)
