//! Conversions by the example `convert` of another system, beside those by this system's: files of the
//! same bytes, or the same refusal.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use super::System;
use crate::{Failure, sh, test::FEATURES};

/// What is made of the repository's photograph, to be converted then. The first pictures have small
/// and odd sides, so that no test takes long where programs are interpreted.
const SOURCES: [(&str, &str); 23] = [
    ("rgb.bmp", ""),
    ("half.exr", ""),
    ("palette.gif", ""),
    ("rgbe.hdr", ""),
    ("icon.ico", "--fit 128,128"),
    ("75.jpg", "--quality 75"),
    ("420.jpg", "--subsampling 420 --restart-interval 4"),
    ("progressive.jpg", "--progressive --quality 85"),
    ("gray.jpg", "--channels gray"),
    ("8.png", ""),
    ("16.png", "--depth 16"),
    ("gray.png", "--channels gray --compression small"),
    ("rgba.png", "--channels rgba --compression none"),
    ("rgb.ppm", ""),
    ("rgba.qoi", ""),
    ("rgb.tga", ""),
    ("plain.tif", ""),
    ("16.tif", "--depth 16 --compression lzw"),
    ("float.tif", "--depth float --compression balanced"),
    ("packbits.tif", "--compression packbits --channels gray"),
    ("lossless.webp", ""),
    ("lossy.webp", "--quality 80"),
    ("broken.png", ""),
];

/// What each of them is converted to.
const TARGETS: [(&str, &str); 18] = [
    ("bmp", ""),
    ("exr", ""),
    ("gif", ""),
    ("hdr", ""),
    ("ico", "--fit 100,100"),
    ("jpg", ""),
    ("jpg", "--progressive --optimize-huffman --quality 60"),
    ("jpg", "--region 3,5,70,50"),
    ("png", ""),
    ("png", "--depth 16 --compression small"),
    ("png", "--fit 99,99"),
    ("ppm", ""),
    ("qoi", ""),
    ("tga", ""),
    ("tif", ""),
    ("tif", "--depth float --allow-truncated"),
    ("webp", ""),
    ("webp", "--quality 70"),
];

/// So many conversions give files, or something is wrong with this program.
const ENOUGH: usize = 300;

struct Conversion {
    source: PathBuf,
    extension: &'static str,
    options: &'static str,
}

/// The programs that are compared, and where they work.
struct Programs<'a> {
    here: PathBuf,
    there: PathBuf,
    system: &'a System,
    folder: &'a Path,
}

pub(super) fn compare(system: &System) -> Result<(), Failure> {
    let folder = super::folder().join("conversions").join(system.target);
    if folder.is_dir() {
        fs::remove_dir_all(&folder).map_err(sh::io(&folder))?;
    }
    for name in ["sources", "here", "there"] {
        let folder = folder.join(name);
        fs::create_dir_all(&folder).map_err(sh::io(&folder))?;
    }
    let mut build = sh::cargo();
    build
        .args(["build", "--package", "imagecuda", "--features", FEATURES])
        .args(["--example", "convert"]);
    sh::run(&mut build)?;
    let suffix = if system.target.contains("windows") {
        ".exe"
    } else {
        ""
    };
    let programs = Programs {
        here: sh::target().join("debug/examples/convert"),
        there: system.build()?.join(format!("convert{suffix}")),
        system,
        folder: &folder,
    };
    programs.make_sources()?;
    let mut conversions = Vec::new();
    for (name, _) in SOURCES {
        conversions.extend(TARGETS.map(|(extension, options)| Conversion {
            // As both programs see it, and name it in errors.
            source: Path::new("../sources").join(name),
            extension,
            options,
        }));
    }
    let made = programs.run(&conversions, "conversions of made files");
    let corpus = corpus()?;
    let real = if corpus.is_empty() {
        say!("no folder of real files is here: they are not compared");
        Ok(0)
    } else {
        let conversion = |source| Conversion {
            source,
            extension: "tif",
            options: "--depth float",
        };
        let corpus: Vec<_> = corpus.into_iter().map(conversion).collect();
        programs.run(&corpus, "real files")
    };
    match (made, real) {
        (Ok(same), Ok(_)) if same >= ENOUGH => Ok(()),
        (Ok(same), Ok(_)) => Err(format!(
            "{same} conversions gave files, and {ENOUGH} should"
        )),
        (Err(made), Err(real)) => Err(format!("{made}\n{real}")),
        (Err(failure), _) | (_, Err(failure)) => Err(failure),
    }
}

/// Real files, which are no part of the repository: those in the folder that tests of them take.
fn corpus() -> Result<Vec<PathBuf>, Failure> {
    let folder = match env::var_os("IMAGECUDA_CORPUS") {
        Some(folder) => PathBuf::from(folder),
        None => sh::root().join("../shared/corpus"),
    };
    let mut files = Vec::new();
    // Made ones of rare kinds may lie beside it.
    let mut folders = vec![folder.with_file_name("cases"), folder];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(&folder) else {
            continue;
        };
        for entry in entries {
            let path = entry.map_err(sh::io(&folder))?.path();
            let is_table = path.extension().is_some_and(|extension| {
                ["f32", "tsv", "md"].iter().any(|table| extension == *table)
            });
            match path.is_dir() {
                true => folders.push(path),
                false if is_table => {}
                false => files.push(path.canonicalize().map_err(sh::io(&path))?),
            }
        }
    }
    files.sort();
    Ok(files)
}

impl Programs<'_> {
    fn make_sources(&self) -> Result<(), Failure> {
        let photograph = sh::root().join("examples/data/sample.jpg");
        for (name, options) in SOURCES {
            let mut convert = sh::command(&self.here);
            convert
                .args(["--device", "cpu", "--region", "700,400,203,151"])
                .args(words(options))
                .args([&photograph, &self.folder.join("sources").join(name)]);
            sh::read(&mut convert)?;
        }
        let broken = self.folder.join("sources/broken.png");
        let bytes = fs::read(&broken).map_err(sh::io(&broken))?;
        fs::write(&broken, &bytes[..bytes.len() / 2]).map_err(sh::io(&broken))
    }

    /// Does all conversions and compares them. Returns how many gave files.
    fn run(&self, conversions: &[Conversion], what: &str) -> Result<usize, Failure> {
        let next = AtomicUsize::new(0);
        let done: Mutex<Vec<(usize, Result<bool, Failure>)>> = Mutex::default();
        let work = || {
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                let Some(conversion) = conversions.get(index) else {
                    return;
                };
                let outcome = self.convert(index, conversion);
                done.lock()
                    .expect("no thread panics")
                    .push((index, outcome));
            }
        };
        thread::scope(|scope| {
            for _ in 0..thread::available_parallelism().map_or(1, Into::into) {
                scope.spawn(work);
            }
        });
        let mut done = done.into_inner().expect("no thread panics");
        done.sort_by_key(|(index, _)| *index);
        let (mut same, mut refused) = (0, 0);
        let mut failures = Vec::new();
        for (index, outcome) in done {
            match outcome {
                Ok(true) => same += 1,
                Ok(false) => refused += 1,
                Err(failure) => {
                    let Conversion {
                        source,
                        extension,
                        options,
                    } = &conversions[index];
                    failures.push(format!(
                        "{} to {extension} {options}: {failure}",
                        source.display()
                    ));
                }
            }
        }
        say!(
            "{what}: {}: {same} to the same bytes, {refused} refused in the same words",
            conversions.len()
        );
        match failures.is_empty() {
            true => Ok(same),
            false => Err(format!(
                "{} of {what} differ:\n{}",
                failures.len(),
                failures.join("\n")
            )),
        }
    }

    /// Whether both programs give the same file; if not, both refuse the source for the same reason.
    fn convert(&self, index: usize, conversion: &Conversion) -> Result<bool, Failure> {
        let name = format!("{index}.{}", conversion.extension);
        let run = |mut command: Command, folder: &str| -> Result<Run, Failure> {
            let folder = self.folder.join(folder);
            // Not a pipe, which Wine's services keep open when the program has ended.
            let log = folder.join(format!("{name}.txt"));
            let errors = fs::File::create(&log).map_err(sh::io(&log))?;
            let status = command
                .current_dir(&folder)
                .args(["--device", "cpu"])
                .args(words(conversion.options))
                .args([&conversion.source, Path::new(&name)])
                .stdout(Stdio::null())
                .stderr(errors)
                .status()
                .map_err(|error| format!("cannot be started: {error}"))?;
            let path = folder.join(&name);
            let file = fs::read(&path).ok();
            // All of them together would be gigabytes.
            if file.is_some() {
                fs::remove_file(&path).map_err(sh::io(&path))?;
            }
            let says = fs::read(&log).map_err(sh::io(&log))?;
            Ok(Run {
                code: status.code(),
                says: said(&String::from_utf8_lossy(&says)),
                file,
            })
        };
        let here = run(sh::command(&self.here), "here")?;
        let mut there = run(self.system.command(&self.there), "there")?;
        // Seen once in hundreds under Wine, for a reason that is not known. `convert` is never silent.
        if there.code == Some(1) && there.says.is_empty() && there.file.is_none() {
            say!("{name}: the program ended without a word, and is started once more");
            there = run(self.system.command(&self.there), "there")?;
        }
        here.compare(&there)
    }
}

/// What a program did.
#[derive(Clone)]
struct Run {
    code: Option<i32>,
    says: String,
    file: Option<Vec<u8>>,
}

impl Run {
    fn compare(&self, other: &Self) -> Result<bool, Failure> {
        let end = |run: &Self| (run.code, run.file.is_some());
        if end(self) != end(other) || self.says != other.says {
            let tell = |run: &Self| {
                let code = run
                    .code
                    .map_or("killed".to_owned(), |code| code.to_string());
                let file = if run.file.is_some() {
                    "a file"
                } else {
                    "no file"
                };
                format!("{code}, {file}, {:?}", run.says.trim())
            };
            return Err(format!("{}; but {}", tell(self), tell(other)));
        }
        match (self.code, &self.file, &other.file) {
            (Some(0), Some(ours), Some(theirs)) if ours == theirs => Ok(true),
            (Some(0), Some(ours), Some(theirs)) => Err(difference(ours, theirs)),
            // A refusal says why.
            (Some(1), None, None) if !self.says.is_empty() => Ok(false),
            _ => Err(format!(
                "both fail: {:?}: {:?}",
                self.code,
                self.says.trim()
            )),
        }
    }
}

fn words(options: &str) -> impl Iterator<Item = &str> {
    options.split_whitespace()
}

fn difference(ours: &[u8], theirs: &[u8]) -> String {
    let first = ours.iter().zip(theirs).position(|(a, b)| a != b);
    format!(
        "{} and {} bytes, which differ from byte {} on",
        ours.len(),
        theirs.len(),
        first.unwrap_or(ours.len().min(theirs.len()))
    )
}

/// What the program wrote: Wine adds lines of its own where its parts end in another order.
fn said(text: &str) -> String {
    let lines = text.split_inclusive('\n');
    let own = lines.filter(|line| !line.starts_with("wine client error:"));
    own.collect::<String>().replace('\r', "")
}

#[cfg(test)]
mod tests {
    use super::Run;

    #[test]
    fn a_difference_of_any_kind_is_found() {
        let run = |code, says: &str, file: Option<&str>| Run {
            code,
            says: says.to_owned(),
            file: file.map(|file| file.as_bytes().to_vec()),
        };
        let saved = run(Some(0), "", Some("abc"));
        let refused = run(Some(1), "why", None);
        assert_eq!(saved.compare(&saved), Ok(true));
        assert_eq!(refused.compare(&refused), Ok(false));
        let others = [
            run(Some(0), "", Some("abd")),
            run(Some(0), "", Some("abcd")),
            run(Some(0), "", None),
            run(Some(0), "a warning", Some("abc")),
            run(Some(1), "", Some("abc")),
            run(Some(1), "why not", None),
            run(Some(2), "why", None),
            run(None, "why", None),
        ];
        for other in others {
            assert!(saved.compare(&other).is_err() && other.compare(&saved).is_err());
            assert!(refused.compare(&other).is_err() && other.compare(&refused).is_err());
        }
        // Two that are killed or do not understand are no refusals.
        for both in [
            run(None, "", None),
            run(Some(2), "usage", None),
            run(Some(1), "", None),
        ] {
            assert!(both.compare(&both).is_err());
        }
    }
}
