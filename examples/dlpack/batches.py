"""A folder of JPEGs as batches in PyTorch: how many pictures a second, and the same through torchvision.

    python3 batches.py FOLDER [--library FILE] [--device cuda:0] [--side 224] [--batch 256]

Both make float16 batches of side by side pixels, normalised, of the middle of each picture.
torchvision decodes on the GPU (nvJPEG) and resizes with antialiasing. The first batches do not count.
"""

import argparse
import ctypes
import os
import time

import torch

HERE = os.path.dirname(os.path.abspath(__file__))
MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]

new = ctypes.pythonapi.PyCapsule_New
new.restype = ctypes.py_object
new.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
DLTENSOR = b"dltensor"


def ours(library, files, device, side, batch):
    c = ctypes.CDLL(library)
    c.imagecuda_batches.restype = ctypes.c_void_p
    c.imagecuda_batches.argtypes = [
        ctypes.POINTER(ctypes.c_char_p), ctypes.c_size_t, ctypes.c_char_p, ctypes.c_uint32, ctypes.c_size_t,
    ]
    c.imagecuda_next_batch.restype = ctypes.c_void_p
    c.imagecuda_next_batch.argtypes = [ctypes.c_void_p]
    c.imagecuda_end_batches.argtypes = [ctypes.c_void_p]
    paths = (ctypes.c_char_p * len(files))(*[file.encode() for file in files])
    batches = c.imagecuda_batches(paths, len(files), device.encode(), side, batch)
    while raw := c.imagecuda_next_batch(batches):
        yield torch.utils.dlpack.from_dlpack(new(raw, DLTENSOR, None))
    c.imagecuda_end_batches(batches)


def torchvisions(files, device, side, batch):
    import torchvision
    from torchvision.transforms.v2 import functional as F

    mean = torch.tensor(MEAN, device=device).view(3, 1, 1)
    std = torch.tensor(STD, device=device).view(3, 1, 1)
    for start in range(0, len(files), batch):
        data = [torchvision.io.read_file(file) for file in files[start:start + batch]]
        pictures = []
        for picture in torchvision.io.decode_jpeg(data, mode=torchvision.io.ImageReadMode.RGB, device=device):
            height, width = picture.shape[1:]
            ratio = side / min(height, width)
            size = [max(side, round(height * ratio)), max(side, round(width * ratio))]
            picture = F.resize(picture, size, antialias=True)
            picture = F.center_crop(picture, [side, side])
            pictures.append(((picture.float() / 255.0 - mean) / std).half())
        yield torch.stack(pictures)


def rate(batches):
    """Pictures a second after the first two batches."""
    count, start = 0, None
    for i, batch in enumerate(batches):
        if i < 2:
            torch.cuda.synchronize()
            start = time.perf_counter()
        else:
            count += len(batch)
    torch.cuda.synchronize()
    return count / (time.perf_counter() - start)


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("folder")
    arguments.add_argument("--library", default=os.path.join(HERE, "libdlpack.so"))
    arguments.add_argument("--device", default="cuda:0")
    arguments.add_argument("--side", type=int, default=224)
    arguments.add_argument("--batch", type=int, default=256)
    a = arguments.parse_args()
    files = sorted(os.path.join(a.folder, name) for name in os.listdir(a.folder))
    first, other = (
        next(batches) for batches in (
            ours(a.library, files[:a.batch], a.device, a.side, a.batch),
            torchvisions(files[:a.batch], a.device, a.side, a.batch),
        )
    )
    assert first.shape == other.shape and first.dtype == other.dtype, (first.shape, other.shape)
    print(f"mean difference of the first batch: {(first.float() - other.float()).abs().mean():.4f}")
    for name, batches in (("imagecuda", ours(a.library, files, a.device, a.side, a.batch)),
                          ("torchvision", torchvisions(files, a.device, a.side, a.batch))):
        print(f"{name:12}{rate(batches):10.0f} pictures a second")


if __name__ == "__main__":
    main()
