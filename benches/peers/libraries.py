"""The libraries that peers.py measures, each behind the same few functions.

A peer's constructor imports what it needs: ImportError, or any other error there, means that it
cannot run here. Where a library has no threads of its own, `each` gives it some. Every peer saves
JPEG at 4:4:4 where it can choose, as imagecuda does at quality 90.
"""

import os
import threading
from concurrent.futures import ThreadPoolExecutor

QUALITY = {"jpg": 90, "webp": 85}


class Peer:
    # What `load` makes.
    result = "8 bits in memory"
    # What `load` takes, and `save` makes; None is everything.
    loads = saves = None

    def __init__(self, threads, png_level):
        self.threads = threads
        self.png_level = png_level
        self.pool = ThreadPoolExecutor(threads)
        self.start()

    def start(self):
        raise NotImplementedError

    def each(self, act, *items):
        return list(self.pool.map(act, *items))

    def load(self, paths):
        """Loads all, and keeps none."""
        self.each(self.load_and_drop, paths)

    def load_and_drop(self, path):
        self.load_one(path)

    def keep(self, paths):
        """Loads pictures that are to be saved."""
        return [self.load_one(path) for path in paths]

    def save(self, pictures, targets):
        self.each(self.save_one, pictures, targets)

    def convert(self, paths, targets):
        self.each(lambda path, target: self.save_one(self.load_one(path), target), paths, targets)


class PyImageCuda(Peer):
    """Decodes and encodes with pyvips, which runs without Python's lock; uploads, kernels and
    downloads hold that lock, and wait for the device one after another. A thread has a pair of
    buffers, as its documentation advises.
    """

    name = "pyimagecuda"
    result = "float32 RGBA on the GPU"

    def start(self):
        os.environ["VIPS_CONCURRENCY"] = "1"
        import pyimagecuda
        import pyvips

        pyvips.cache_set_max(0)
        self.lib = pyimagecuda
        # The package imports without its native part, and says so only by what it lacks.
        self.sync = pyimagecuda.cuda_sync
        self.sync()
        self.version = pyimagecuda.__version__
        self.local = threading.local()

    def load_one(self, path):
        """Into a new image, which is the caller's to free."""
        return self.lib.load(path)

    def load_here(self, path):
        """Into this thread's buffers, which grow to the largest picture."""
        while True:
            size = getattr(self.local, "size", (2048, 2048))
            buffers = getattr(self.local, "buffers", None)
            if buffers is None:
                buffers = self.local.buffers = (self.lib.Image(*size), self.lib.ImageU8(*size))
            try:
                self.lib.load(path, f32_buffer=buffers[0], u8_buffer=buffers[1])
                return buffers
            except ValueError as error:
                if "capacity" not in str(error):
                    raise
                for buffer in buffers:
                    buffer.free()
                self.local.buffers, self.local.size = None, (2 * size[0], size[1])

    def load(self, paths):
        self.each(self.load_here, paths)
        self.sync()

    def save_one(self, picture, target):
        self.lib.save(picture, target, quality=QUALITY.get(target.rsplit(".")[-1]))

    def convert(self, paths, targets):
        def one(path, target):
            f32, u8 = self.load_here(path)
            self.lib.save(f32, target, u8_buffer=u8, quality=QUALITY["jpg"])

        self.each(one, paths, targets)


class PyVips(Peer):
    name = "pyvips"
    result = "8-bit RGBA in memory"

    def start(self):
        # Else each picture is decoded by as many threads as there are cores, too.
        os.environ["VIPS_CONCURRENCY"] = "1"
        import pyvips

        pyvips.cache_set_max(0)
        self.lib = pyvips
        self.version = ".".join(str(pyvips.version(part)) for part in range(3))

    def load_one(self, path):
        image = self.lib.Image.new_from_file(path, access="sequential").colourspace("srgb")
        if image.bands == 3:
            image = image.bandjoin(255)
        return image.cast("uchar").write_to_memory(), image.width, image.height

    def save_one(self, picture, target):
        image = self.lib.Image.new_from_memory(*picture, 4, "uchar").copy(interpretation="srgb")
        if target.endswith(".png"):
            level = {} if self.png_level is None else {"compression": self.png_level}
            image.pngsave(target, **level)
        elif target.endswith(".webp"):
            image.webpsave(target, Q=QUALITY["webp"])
        else:
            image.flatten().jpegsave(target, Q=QUALITY["jpg"], subsample_mode="off")


class Pillow(Peer):
    name = "pillow"
    result = "8-bit RGBA in memory"

    def start(self):
        import PIL
        import PIL.Image

        self.lib = PIL.Image
        self.version = PIL.__version__

    def load_one(self, path):
        with self.lib.open(path) as image:
            return image.convert("RGBA")

    def save_one(self, picture, target):
        if target.endswith(".png"):
            level = {} if self.png_level is None else {"compress_level": self.png_level}
            picture.save(target, **level)
        elif target.endswith(".webp"):
            picture.save(target, quality=QUALITY["webp"])
        else:
            picture.convert("RGB").save(target, quality=QUALITY["jpg"], subsampling="4:4:4")


class OpenCv(Peer):
    name = "opencv"
    result = "8-bit BGR in memory"

    def start(self):
        import cv2

        cv2.setNumThreads(1)
        self.lib = cv2
        self.version = cv2.__version__

    def load_one(self, path):
        picture = self.lib.imread(path, self.lib.IMREAD_COLOR)
        if picture is None:
            raise ValueError(f"{path}: not read")
        return picture

    def save_one(self, picture, target):
        lib = self.lib
        if target.endswith(".png"):
            options = [] if self.png_level is None else [lib.IMWRITE_PNG_COMPRESSION, self.png_level]
        elif target.endswith(".webp"):
            options = [lib.IMWRITE_WEBP_QUALITY, QUALITY["webp"]]
        else:
            options = [lib.IMWRITE_JPEG_QUALITY, QUALITY["jpg"]]
            if hasattr(lib, "IMWRITE_JPEG_SAMPLING_FACTOR"):
                sampling = lib.IMWRITE_JPEG_SAMPLING_FACTOR_444
                options += [lib.IMWRITE_JPEG_SAMPLING_FACTOR, sampling]
        if not lib.imwrite(target, picture, options):
            raise ValueError(f"{target}: not written")


class OpenCvTorch(OpenCv):
    """OpenCV on the host, and PyTorch to bring the bytes to the GPU and back."""

    name = "opencv+torch"
    result = "8-bit BGR on the GPU"

    def start(self):
        super().start()
        import torch

        self.torch = torch
        torch.zeros(1, device="cuda")
        self.version = f"{self.version}+{torch.__version__}"

    def load_one(self, path):
        return self.torch.from_numpy(super().load_one(path)).cuda()

    def load(self, paths):
        super().load(paths)
        self.torch.cuda.synchronize()

    def save_one(self, picture, target):
        super().save_one(picture.cpu().numpy(), target)


class TorchVision(Peer):
    """nvJPEG behind torchvision: batches, decoded by the library's own means."""

    name = "torchvision"
    result = "8-bit RGB planes on the GPU"
    loads = saves = ("jpg",)

    def start(self):
        import torch
        import torchvision

        self.torch, self.io = torch, torchvision.io
        self.device = torch.zeros(1, device="cuda").device
        self.version = torchvision.__version__

    def decode(self, paths):
        files = self.each(self.io.read_file, paths)
        mode = self.io.ImageReadMode.RGB
        return self.io.decode_jpeg(files, mode=mode, device=self.device)

    def load(self, paths):
        for part in batches(paths):
            self.decode(part)
        self.torch.cuda.synchronize()

    def keep(self, paths):
        return self.decode(paths)

    def save(self, pictures, targets):
        for part, names in zip(batches(pictures), batches(targets)):
            files = self.io.encode_jpeg(part, quality=QUALITY["jpg"])
            self.each(lambda file, name: self.io.write_file(name, file.cpu()), files, names)

    def convert(self, paths, targets):
        for part, names in zip(batches(paths), batches(targets)):
            self.save(self.decode(part), names)


class NvImageCodec(Peer):
    """NVIDIA's own: batches, with threads of its own."""

    name = "nvimgcodec"
    result = "8-bit RGB on the GPU"

    def start(self):
        from nvidia import nvimgcodec as lib

        self.lib = lib
        self.decoder = lib.Decoder(max_num_cpu_threads=self.threads)
        self.encoder = lib.Encoder(max_num_cpu_threads=self.threads)
        self.version = lib.__version__

    def decode(self, paths):
        images = self.decoder.read(list(paths))
        missing = [path for path, image in zip(paths, images) if image is None]
        if missing:
            raise ValueError(f"{missing[0]}: not read")
        return images

    def load(self, paths):
        for part in batches(paths):
            self.decode(part)

    def keep(self, paths):
        return self.decode(paths)

    def options(self, format):
        if format not in QUALITY:
            return None
        if not hasattr(self.lib, "QualityType"):  # before 0.5
            return self.lib.EncodeParams(quality=QUALITY[format])
        sampling = self.lib.ChromaSubsampling.CSS_444 if format == "jpg" else None
        return self.lib.EncodeParams(
            quality_type=self.lib.QualityType.QUALITY,
            quality_value=QUALITY[format],
            chroma_subsampling=sampling,
        )

    def save(self, pictures, targets):
        params = self.options(targets[0].rsplit(".")[-1])
        for part, names in zip(batches(pictures), batches(targets)):
            written = self.encoder.write(list(names), list(part), params=params)
            if any(name is None for name in written):
                raise ValueError("not every picture was written")

    def convert(self, paths, targets):
        for part, names in zip(batches(paths), batches(targets)):
            self.save(self.decode(part), names)


def batches(items, size=32):
    return [items[at : at + size] for at in range(0, len(items), size)]


PEERS = {
    peer.name: peer
    for peer in (PyImageCuda, PyVips, Pillow, OpenCv, OpenCvTorch, TorchVision, NvImageCodec)
}
