//! Small files that ask for much: giants by their headers, data that inflate, endless lists,
//! circles. Each is loaded in several ways by a program of its own, whose memory is limited, and what
//! that says of itself is checked: a typed error or a picture, in little memory, soon.

mod animated;
mod embedded;
mod exr;
#[cfg(feature = "heif")]
mod heif;
mod jpeg;
mod others;
mod png;
mod tiff;

use imagecuda::{Device, Error, ErrorKind, Image, JpegDecoder, LoadOptions, inspect};
use libtest_mimic::Trial;
use std::{env, fs, path::Path, process::ExitCode};

/// What is to become of a file.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fate {
    /// It is refused by its header, by the limits that there are if nobody sets any, or because
    /// its decoder takes nothing that large.
    TooLarge,
    /// It is damaged, or of a kind that nobody reads.
    Refused,
    /// A picture of that size.
    Picture(u32, u32),
    /// Any error that has a type, or a picture.
    Anything,
    /// The same, by limits that let it pass where there is not that much memory.
    NoMemory,
}

/// A file, and what is to become of it.
struct Bomb {
    name: &'static str,
    /// What it asks for, in words.
    asks: &'static str,
    extension: &'static str,
    bytes: Vec<u8>,
    /// Its size, if that is more: the rest is a hole.
    size: u64,
    fate: Fate,
}

fn bomb(
    name: &'static str,
    asks: &'static str,
    extension: &'static str,
    bytes: Vec<u8>,
    fate: Fate,
) -> Bomb {
    let size = bytes.len() as u64;
    Bomb {
        name,
        asks,
        extension,
        bytes,
        size,
        fate,
    }
}

/// Bytes of a picture that the stricter limits allow, in its own layout.
const MOST_BYTES: u64 = 64 << 20;
const MOST_PIXELS: u64 = 4 << 20;

/// What a file is loaded with.
fn options(fate: &str) -> LoadOptions {
    match fate {
        "small" => LoadOptions::new()
            .max_pixels(MOST_PIXELS)
            .max_bytes(MOST_BYTES),
        _ => LoadOptions::new(),
    }
}

const FILE: &str = "IMAGECUDA_TEST_BOMB";
const LIMITS: &str = "IMAGECUDA_TEST_BOMB_LIMITS";

/// Whether this program was started to load such a file, which it then has.
pub(crate) fn child() -> Option<ExitCode> {
    let path = env::var_os(FILE)?;
    let path = Path::new(&path);
    let cpu = Device::cpu();
    let options = options(&env::var(LIMITS).unwrap_or_default());
    let tolerant = options.clone().allow_truncated(true);

    let tell = |way: &str, load: &dyn Fn() -> Result<String, Error>| {
        let start = cpu_seconds();
        let outcome = match load() {
            Ok(what) => format!("picture\t{what}"),
            Err(error) => format!("{}\t{error}", kind(&error)),
        };
        println!("{way}\t{:.3}\t{outcome}", cpu_seconds() - start);
    };
    let size = |image: Image| format!("{}x{}", image.width(), image.height());
    tell("info", &|| {
        let info = inspect(path)?;
        Ok(format!(
            "{}x{}, {} frames",
            info.width(),
            info.height(),
            info.frame_count()
        ))
    });
    tell("load", &|| options.load(&cpu, path).map(size));
    tell("tolerant", &|| tolerant.load(&cpu, path).map(size));
    if path.extension().is_some_and(|extension| extension == "jpg") {
        for decoder in [JpegDecoder::Host, JpegDecoder::Kernels] {
            let options = options.clone().jpeg_decoder(decoder);
            tell(&format!("{decoder:?}"), &|| {
                options.load(&cpu, path).map(size)
            });
        }
    }
    for (way, options) in [("frames", &options), ("tolerant frames", &tolerant)] {
        tell(way, &|| {
            let mut frames = options.frames(&cpu, path)?;
            // Some as they come, and those behind them; an error is the last one's.
            let (mut count, mut pixels) = (0, 0);
            while pixels < 1 << 24 {
                let Some((frame, _)) = frames.open_next()? else {
                    return Ok(format!("{count} frames"));
                };
                count += 1;
                pixels += u64::from(frame.width()) * u64::from(frame.height());
            }
            count += frames.skip_frames(200_000)?.len();
            Ok(format!("{count} frames"))
        });
    }
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    println!(
        "peak\t{}",
        peak.unwrap_or_default().trim().trim_end_matches(" kB")
    );
    Some(ExitCode::SUCCESS)
}

/// The time that all processors have spent on this program, which does not depend on what else they
/// do.
fn cpu_seconds() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    // Behind the program's name the third is the state; the 14th and the 15th are its own time and
    // the kernel's for it, in hundredths.
    let (_, fields) = stat.rsplit_once(')').unwrap();
    let times = fields.split_whitespace().skip(11).take(2);
    times.map(|time| time.parse::<f64>().unwrap() / 100.0).sum()
}

fn kind(error: &Error) -> &'static str {
    match error.kind() {
        ErrorKind::LimitExceeded { .. } => "limit",
        ErrorKind::Decode(_) => "decode",
        ErrorKind::Unsupported(_) => "unsupported",
        ErrorKind::OutOfMemory { .. } => "memory",
        ErrorKind::UnknownFormat(_) => "unknown",
        ErrorKind::Io(_) => "io",
        _ => "other",
    }
}

pub(crate) fn trials() -> Vec<Trial> {
    type Make = fn() -> Vec<Bomb>;
    let all: &[(&str, Make)] = &[
        ("animated", animated::all),
        ("exr", exr::all),
        #[cfg(feature = "heif")]
        ("heif", heif::all),
        ("embedded", embedded::all),
        ("jpeg", jpeg::all),
        ("others", others::all),
        ("png", png::all),
        ("tiff", tiff::all),
    ];
    let trial = |&(name, bombs): &(&str, Make)| {
        Trial::test(format!("hostile::bombs::{name}"), move || {
            let failed: Vec<String> = bombs()
                .into_iter()
                .filter_map(|bomb| bomb.run().err())
                .collect();
            match failed.is_empty() {
                true => Ok(()),
                false => Err(failed.join("\n").into()),
            }
        })
    };
    all.iter().map(trial).collect()
}

/// Kilobytes of address space that the program has, its threads' stacks included.
const MEMORY: u64 = 1_500_000;

/// Seconds of processors for one way to load a file: many times what it takes.
const SECONDS: f64 = 60.0;

impl Bomb {
    /// Loads it. What is wrong is the error.
    fn run(self) -> Result<(), String> {
        use std::{io::Write, process::Command};
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bomb").with_extension(self.extension);
        let mut file = fs::File::create(&path).unwrap();
        file.write_all(&self.bytes).unwrap();
        file.set_len(self.size.max(self.bytes.len() as u64))
            .unwrap();
        drop((file, self.bytes));

        let is_small = !matches!(self.fate, Fate::TooLarge | Fate::NoMemory);
        let output = Command::new("sh")
            .arg("-c")
            .arg(format!(
                "ulimit -v {MEMORY} && ulimit -t 900 && exec timeout -s KILL 3600 \"$0\" \"$@\""
            ))
            .args(crate::support::own_program())
            .env(FILE, &path)
            .env(LIMITS, if is_small { "small" } else { "default" })
            .env("RAYON_NUM_THREADS", "2")
            .env("MALLOC_ARENA_MAX", "2")
            .env("RUST_BACKTRACE", "0")
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        let name = self.name;
        let wrong = |what: &str| {
            let errors = String::from_utf8_lossy(&output.stderr);
            Err(format!("{name}: {what}: {}\n{said}{errors}", output.status))
        };
        if !output.status.success() {
            return wrong("the program failed");
        }
        let mut slowest = 0.0_f64;
        let (mut peak, mut outcomes) = (0_u64, Vec::new());
        for line in said.lines() {
            let fields: Vec<&str> = line.split('\t').collect();
            match fields[..] {
                ["peak", kilobytes] => peak = kilobytes.parse().unwrap(),
                [way, seconds, kind, ..] => {
                    slowest = slowest.max(seconds.parse().unwrap());
                    outcomes.push((way, kind, fields[3]));
                }
                _ => return wrong("a line that makes no sense"),
            }
        }
        table(self.asks, name, self.size, &outcomes, peak, slowest);
        if slowest > SECONDS {
            return wrong("it takes too long");
        }
        // The pixels as they are in the file three times, and those of the image; with them the file
        // twice (as for a copy that is patched), the program, and metadata.
        let pixels = match self.fate {
            Fate::TooLarge => 0,
            Fate::Picture(width, height) => (3 * 4 + 16) * u64::from(width) * u64::from(height),
            _ => 3 * MOST_BYTES + 16 * MOST_PIXELS,
        };
        let most = 2 * self.size + pixels + (100 << 20);
        if self.fate != Fate::NoMemory && peak * 1024 > most {
            return wrong("it takes too much memory");
        }
        let info = outcomes.first().map_or("", |(_, _, what)| what);
        for (way, kind, what) in outcomes {
            let typed = ["limit", "decode", "unsupported", "memory", "picture"];
            if !typed.contains(&kind) {
                return wrong("an error that should be another");
            }
            // The file is read whole, but nothing is allocated for pixels that nobody wants.
            let has_room = self.size < MEMORY * 1000;
            if way == "info" && kind == "memory" && has_room {
                return wrong("what it says of itself takes too much memory");
            }
            let is_load = !matches!(way, "info" | "tolerant" | "tolerant frames");
            let right = match self.fate {
                Fate::TooLarge => {
                    way == "info" || matches!(kind, "limit" | "decode" | "unsupported")
                }
                Fate::Refused => !is_load || matches!(kind, "limit" | "decode" | "unsupported"),
                Fate::Picture(width, height) => match way {
                    "info" => what.starts_with(&format!("{width}x{height}, ")),
                    // As many as there are said to be.
                    "frames" | "tolerant frames" => {
                        kind == "picture" && info == format!("{width}x{height}, {what}")
                    }
                    _ => kind == "picture" && what == format!("{width}x{height}"),
                },
                Fate::Anything => kind != "memory",
                Fate::NoMemory => true,
            };
            if !right {
                return wrong(&format!("{way} is not {:?}", self.fate));
            }
        }
        Ok(())
    }
}

/// A line of the documentation's table, where it is asked for.
fn table(
    asks: &str,
    name: &str,
    size: u64,
    outcomes: &[(&str, &str, &str)],
    peak: u64,
    slowest: f64,
) {
    use std::io::Write;
    let Some(path) = env::var_os("IMAGECUDA_TEST_TABLE") else {
        return;
    };
    let load = outcomes.iter().find(|(way, ..)| *way == "load");
    let (_, kind, what) = load.unwrap_or(&("", "", ""));
    let size = match size {
        0..10_000 => format!("{size} B"),
        10_000..10_000_000 => format!("{} kB", size / 1000),
        _ => format!("{} MB", size / 1_000_000),
    };
    let mut file = fs::File::options()
        .append(true)
        .create(true)
        .open(path)
        .unwrap();
    let what = what.rsplit_once(": ").map_or(*what, |(_, what)| what);
    let line = format!(
        "| {name} | {size} | {asks} | {kind}: {what} | {} MB | {slowest:.2} |",
        peak / 1000
    );
    writeln!(file, "{line}").unwrap();
}

/// Zeros, as zlib packs them.
fn zeros(count: usize) -> Vec<u8> {
    use std::io::Write;
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::new(6));
    let block = vec![0; 1 << 20];
    let mut left = count;
    while left > 0 {
        let part = left.min(block.len());
        encoder.write_all(&block[..part]).unwrap();
        left -= part;
    }
    encoder.finish().unwrap()
}
