"""Tries libdlpack.so with PyTorch: one line a check, and a failure for the exit status.

    python3 check.py [--library FILE] [--device cpu --device cuda:0 ...]

In a bundle the library lies beside this file. `cargo build --release -p imagecuda --features
cuda,dlpack --example dlpack` makes it in target/release/examples.
"""

import argparse
import ctypes
import gc
import os
import sys
import tempfile
import traceback

import numpy as np
import torch
from PIL import Image

HERE = os.path.dirname(os.path.abspath(__file__))
LOADS = 200
SLACK = 64 << 20  # bytes by which free memory may move

new = ctypes.pythonapi.PyCapsule_New
new.restype = ctypes.py_object
new.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
pointer_of = ctypes.pythonapi.PyCapsule_GetPointer
pointer_of.restype = ctypes.c_void_p
pointer_of.argtypes = [ctypes.py_object, ctypes.c_char_p]
rename = ctypes.pythonapi.PyCapsule_SetName
rename.restype = ctypes.c_int
rename.argtypes = [ctypes.py_object, ctypes.c_char_p]

# A capsule keeps the pointer to its name, not the name.
DLTENSOR, VERSIONED, USED = b"dltensor", b"dltensor_versioned", b"used_dltensor"


class Library:
    def __init__(self, path):
        self.c = ctypes.CDLL(path)
        for name in ("imagecuda_load", "imagecuda_load_u8"):
            getattr(self.c, name).restype = ctypes.c_void_p
            getattr(self.c, name).argtypes = [ctypes.c_char_p, ctypes.c_char_p]
        self.c.imagecuda_save.restype = ctypes.c_int
        self.c.imagecuda_save.argtypes = [ctypes.c_void_p, ctypes.c_char_p]

    def load(self, path, device):
        """The picture as a float tensor, or None."""
        raw = self.c.imagecuda_load(path.encode(), device.encode())
        return torch.utils.dlpack.from_dlpack(new(raw, DLTENSOR, None)) if raw else None

    def load_u8(self, path, device):
        """The same as bytes, through DLPack 1's struct."""
        raw = self.c.imagecuda_load_u8(path.encode(), device.encode())
        return torch.utils.dlpack.from_dlpack(new(raw, VERSIONED, None)) if raw else None

    def save(self, tensor, path):
        """Whether it was saved."""
        if tensor.is_cuda:
            torch.cuda.synchronize(tensor.device)
        capsule = torch.utils.dlpack.to_dlpack(tensor)
        raw = pointer_of(capsule, DLTENSOR)
        # The library frees the tensor now, not the capsule.
        rename(capsule, USED)
        return self.c.imagecuda_save(raw, path.encode()) == 0


def photo(height=211, width=317):
    """Bytes in which every pixel is another, with alpha."""
    y, x = np.mgrid[0:height, 0:width]
    return np.stack([x % 256, y % 256, (x * y) % 256, (x + y) % 255 + 1], -1).astype(np.uint8)


def values(library, device, folder):
    """values are PIL's, in f32 and u8"""
    pixels, path = photo(), os.path.join(folder, "a.png")
    Image.fromarray(pixels, "RGBA").save(path)
    expected = torch.from_numpy(np.asarray(Image.open(path)).copy())
    tensor = library.load(path, device)
    assert tensor.shape == (211, 317, 4), tensor.shape
    assert tensor.dtype == torch.float32, tensor.dtype
    assert tensor.device == torch.device(device), tensor.device
    assert tensor.is_contiguous()
    # On the CPU: a GPU of PyTorch's divides in another way.
    assert torch.equal(tensor.cpu(), expected.float() / 255.0)
    bytes_ = library.load_u8(path, device)
    assert (bytes_.dtype, bytes_.device) == (torch.uint8, torch.device(device))
    assert torch.equal(bytes_.cpu(), expected)


def gradient(library, device, folder):
    """a gradient of PyTorch's comes back, RGBA, RGB and gray, f32, u8 and u16"""
    path = os.path.join(folder, "gradient.png")
    # Divided on the CPU, as above.
    ramp = (torch.arange(256, dtype=torch.float32) / 255.0).to(device)
    picture = ramp.view(1, 256, 1).repeat(5, 1, 4)
    picture[..., 1] = picture[..., 1].flip(1)
    picture[..., 3] = 1.0
    assert library.save(picture, path)
    assert torch.equal(library.load(path, device).cpu(), picture.cpu())
    assert library.save(picture[..., :3].contiguous(), path)
    assert torch.equal(library.load(path, device).cpu(), picture.cpu())
    # 251 × 3 pixels of RGB8: no whole number of words; and memory that starts at odd bytes.
    for skip in range(4):
        flat = torch.arange(251 * 9 + skip, device=device).to(torch.uint8)
        rgb = flat[skip:].view(3, 251, 3)
        assert library.save(rgb, path)
        assert torch.equal(library.load_u8(path, device)[..., :3], rgb), skip
    gray = torch.arange(256, device=device).to(torch.uint8).view(16, 16)
    assert library.save(gray, path)
    assert torch.equal(library.load_u8(path, device)[..., 2], gray)
    deep = (torch.arange(256) * 257).to(torch.uint16).view(16, 16, 1).to(device)
    assert library.save(deep, path)
    assert torch.equal(library.load_u8(path, device)[..., 0], gray)


def shared(library, device, folder):
    """what PyTorch writes is in the image: nothing was copied"""
    path = os.path.join(folder, "a.png")
    raw = library.c.imagecuda_load(path.encode(), device.encode())
    # A struct begins with the pointer to the pixels.
    address = ctypes.c_void_p.from_address(raw).value
    tensor = torch.utils.dlpack.from_dlpack(new(raw, DLTENSOR, None))
    assert tensor.data_ptr() == address
    tensor[..., 0] = 1.0
    tensor[7, 11] = torch.tensor([0.0, 0.2, 0.4, 1.0], device=device)
    kept = tensor.clone()
    changed = os.path.join(folder, "changed.png")
    assert library.save(tensor, changed)
    again = library.load(changed, device)
    assert torch.equal(again, kept)
    assert (again[7, 11].cpu() * 255).round().tolist() == [0, 51, 102, 255]


def refused(library, device, folder):
    """what is no picture is refused, and what is no file"""
    path = os.path.join(folder, "never.png")
    assert library.load(os.path.join(folder, "missing.png"), device) is None
    assert library.load(os.path.join(folder, "a.png"), "abacus") is None
    for bad in (
        torch.zeros(4, device=device),
        torch.zeros(2, 2, 5, device=device),
        torch.zeros(2, 2, 4, device=device, dtype=torch.float64),
        torch.zeros(0, 2, 4, device=device),
    ):
        assert not library.save(bad, path)
    planes = torch.rand(3, 20, 30, device=device)
    strided = library.save(planes.permute(1, 2, 0), path)
    # The CPU gathers them; a GPU says that it cannot.
    assert strided == (device == "cpu")
    if strided:
        got = library.load_u8(path, device)[..., :3].permute(2, 0, 1)
        assert torch.equal(got, (planes * 255 + 0.5).to(torch.uint8))


def freed(library, device, folder):
    """memory is freed: 200 loads, and 200 saves"""
    path = os.path.join(folder, "large.png")
    Image.fromarray(photo(1024, 1024), "RGBA").save(path, compress_level=1)
    small = os.path.join(folder, "small.png")

    def rounds(count):
        for _ in range(count):
            tensor = library.load(path, device)
            tensor.mul_(0.5)  # still running when the memory is freed
            del tensor
            assert library.save(torch.zeros(64, 64, 4, device=device), small)

    def used():
        gc.collect()
        if device == "cpu":
            with open("/proc/self/statm") as file:
                return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        torch.cuda.synchronize(device)
        free, total = torch.cuda.mem_get_info(device)
        return total - free

    rounds(5)
    before = used()
    rounds(LOADS)
    grown = used() - before
    print(f"      grown by {grown / (1 << 20):.1f} MiB; {LOADS} images are {LOADS * 16} MiB")
    assert abs(grown) < SLACK, grown


def intact(library, device, folder):
    """memory is not used again before PyTorch's side streams are done with it"""
    if device == "cpu":
        return
    path = os.path.join(folder, "large.png")
    expected = torch.from_numpy(photo(1024, 1024)).float() / 255.0
    side = torch.cuda.Stream(device)
    for _ in range(20):
        tensor = library.load(path, device)
        with torch.cuda.stream(side):
            torch.cuda._sleep(5_000_000)
            copy = tensor.clone()
            del tensor
        other = library.load(os.path.join(folder, "large.png"), device)
        other.zero_()
        torch.cuda.synchronize(device)
        assert torch.equal(copy.cpu(), expected)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--library", default=os.path.join(HERE, "libdlpack.so"))
    parser.add_argument("--device", action="append")
    options = parser.parse_args()
    devices = options.device or ["cpu"] + ["cuda:0"] * torch.cuda.is_available()
    library = Library(options.library)
    failures = 0
    for device in devices:
        with tempfile.TemporaryDirectory() as folder:
            for check in (values, gradient, shared, refused, freed, intact):
                try:
                    check(library, device, folder)
                    print(f"ok    {device}: {check.__doc__}", flush=True)
                except Exception:
                    failures += 1
                    print(f"FAIL  {device}: {check.__doc__}", flush=True)
                    traceback.print_exc()
    print(f"PyTorch {torch.__version__}, {', '.join(devices)}: {failures} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
