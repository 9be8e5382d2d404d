"""Measures what other libraries take from float32 pixels on the GPU to a JPEG file (quality 90,
4:2:0 where they have a choice) and to a PNG file, one at a time.

    python3 save.py FOLDER FILE...

The FILEs are what is saved, to FOLDER. Medians in milliseconds; libraries that are not here are
left out, with the reason.
"""

import os
import statistics
import sys
import time

QUALITY = 90


def on_gpu(path):
    """RGB float32 in planes, 0.0 to 1.0."""
    import torch
    from torchvision.io import decode_jpeg, read_file

    return decode_jpeg(read_file(path), device="cuda").float().div_(255).contiguous()


def torchvision(path):
    from torchvision.io import encode_jpeg

    pixels = on_gpu(path)

    def jpeg(target):
        data = encode_jpeg(pixels.mul(255).round_().byte(), quality=QUALITY)
        data.cpu().numpy().tofile(target)

    return {"jpg": jpeg}


def nvimgcodec(path):
    from nvidia import nvimgcodec as lib

    pixels = on_gpu(path).permute(1, 2, 0).contiguous()
    encoder = lib.Encoder()
    params = lib.EncodeParams(
        quality_type=lib.QualityType.QUALITY,
        quality_value=QUALITY,
        chroma_subsampling=lib.ChromaSubsampling.CSS_420,
    )

    def jpeg(target):
        encoder.write(target, lib.as_image(pixels.mul(255).round_().byte()), params=params)

    return {"jpg": jpeg}


def pyimagecuda(path):
    import pyimagecuda

    image = pyimagecuda.load(path)
    return {
        "jpg": lambda target: pyimagecuda.save(image, target, quality=QUALITY),
        "png": lambda target: pyimagecuda.save(image, target),
    }


def opencv(path):
    import cv2

    pixels = on_gpu(path).permute(1, 2, 0).contiguous()

    def host():
        return pixels.mul(255).round_().byte().cpu().numpy()

    return {
        "jpg": lambda target: cv2.imwrite(target, host(), [cv2.IMWRITE_JPEG_QUALITY, QUALITY]),
        "png": lambda target: cv2.imwrite(target, cv2.cvtColor(host(), cv2.COLOR_RGB2RGBA)),
    }


def pyvips(path):
    """On the host alone."""
    import pyvips as lib

    image = lib.Image.new_from_file(path).copy_memory()
    rgba = image.addalpha().copy_memory()
    return {
        "jpg": lambda target: image.jpegsave(target, Q=QUALITY, subsample_mode="on"),
        "png": lambda target: rgba.pngsave(target),
    }


def median(act):
    for _ in range(2):
        act()
    times = []
    start = time.perf_counter()
    while time.perf_counter() - start < 0.5 or len(times) < 3:
        before = time.perf_counter()
        act()
        times.append((time.perf_counter() - before) * 1e3)
    return statistics.median(times)


def main():
    folder, *paths = sys.argv[1:]
    for make in (torchvision, nvimgcodec, opencv, pyimagecuda, pyvips):
        try:
            for path in paths:
                for extension, save in make(path).items():
                    target = os.path.join(folder, f"peer.{extension}")
                    took = median(lambda: save(target))
                    size = os.path.getsize(target) / 1e6
                    print(
                        f"{make.__name__:<12} {os.path.basename(path)} to {extension}: "
                        f"{took:9.3f} ms {size:8.3f} MB",
                        flush=True,
                    )
        except Exception as error:  # whatever a library lacks
            print(f"{make.__name__:<12} left out: {str(error).splitlines()[:1]}", flush=True)


main()
