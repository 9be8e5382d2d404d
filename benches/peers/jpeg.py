"""Measures what other libraries take from a JPEG file to float32 pixels on the GPU, one at a time.

    python3 jpeg.py FILE...

Medians in milliseconds; libraries that are not here are left out, with the reason.
"""

import statistics
import sys
import time


def torchvision():
    import torch
    from torchvision.io import decode_jpeg, read_file

    def load(path):
        pixels = decode_jpeg(read_file(path), device="cuda").float().div_(255)
        torch.cuda.synchronize()
        return pixels

    return load


def nvimgcodec():
    import torch
    from nvidia import nvimgcodec

    decoder = nvimgcodec.Decoder()

    def load(path):
        pixels = torch.as_tensor(decoder.read(path), device="cuda").float().div_(255)
        torch.cuda.synchronize()
        return pixels

    return load


def pyimagecuda():
    import pyimagecuda

    def load(path):
        image = pyimagecuda.load(path)
        pyimagecuda.cuda_sync() if hasattr(pyimagecuda, "cuda_sync") else None
        return image

    return load


def opencv():
    import cv2
    import torch

    def load(path):
        pixels = torch.from_numpy(cv2.imread(path)).to("cuda").float().div_(255)
        torch.cuda.synchronize()
        return pixels

    return load


def median(load, path):
    for _ in range(5):
        load(path)
    times = []
    start = time.perf_counter()
    while time.perf_counter() - start < 0.5 or len(times) < 5:
        before = time.perf_counter()
        load(path)
        times.append((time.perf_counter() - before) * 1e3)
    return statistics.median(times)


def main():
    for make in (torchvision, nvimgcodec, opencv, pyimagecuda):
        try:
            load = make()
            for path in sys.argv[1:]:
                print(f"{make.__name__:<12} {path}: {median(load, path):8.3f} ms", flush=True)
        except Exception as error:  # whatever a library lacks
            print(f"{make.__name__:<12} left out: {str(error).splitlines()[:1]}", flush=True)


main()
