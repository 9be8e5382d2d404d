//! What subscribers of `tracing` hear, on every device; and what becomes of a panic within a codec,
//! which they can bring about.

use crate::support::alone;
use imagecuda::{
    Device, Error, ErrorKind, Format, Image, ImageU8, LoadOptions, SaveOptions,
    batch::{Loader, Pipeline, Saver},
};
use libtest_mimic::Trial;
use std::{
    convert::Infallible,
    io::Cursor,
    path::Path,
    sync::{Arc, Mutex},
};
use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
};

pub(crate) fn trials() -> Vec<Trial> {
    crate::support::on_each_device(crate::device_tests![
        every_stage_is_a_span,
        a_panic_of_a_codec_is_an_error_of_its_file,
        a_panic_of_a_codec_is_an_error_of_a_single_call,
    ])
}

/// Names of spans, with the fields that they were opened with.
#[derive(Clone, Default)]
struct Heard(Arc<Mutex<Vec<String>>>);

struct Fields(String);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.0 += &format!(" {field}={value:?}");
    }
}

impl Subscriber for Heard {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("imagecuda")
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let mut fields = Fields(span.metadata().name().to_owned());
        span.record(&mut fields);
        let mut heard = self.0.lock().unwrap();
        heard.push(fields.0);
        Id::from_u64(heard.len() as u64)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, _: &Event<'_>) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

/// In a program of its own: what another test's thread, which has no subscriber, opens for the first
/// time while one listens elsewhere, `tracing` takes for unwanted.
fn every_stage_is_a_span(device: &Device) {
    if !alone("batch::tracing::every_stage_is_a_span", device) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.png");
    SaveOptions::new()
        .background([0; 3])
        .save(&Image::new(device, 20, 10).unwrap(), &path)
        .unwrap();
    let bytes = std::fs::metadata(&path).unwrap().len();
    let heard = Heard::default();
    tracing::subscriber::with_default(heard.clone(), || {
        let image = imagecuda::LoadOptions::new().load(device, &path).unwrap();
        image.to_u8().unwrap();
        imagecuda::save(&image, &path).unwrap();
    });
    assert_eq!(
        *heard.0.lock().unwrap(),
        [
            "read".to_owned(),
            format!("open format=PNG bytes={bytes}"),
            "decode format=PNG width=20 height=10 bytes=600".to_owned(),
            format!("upload device={device} width=20 height=10 bytes=600"),
            format!("convert device={device} width=20 height=10"),
            "download format=PNG bytes=800".to_owned(),
            "encode format=PNG width=20 height=10".to_owned(),
        ]
    );
}

/// Panics in the codecs' spans, if the picture is 33 pixels wide.
struct Torn;

impl Subscriber for Torn {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("imagecuda")
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let name = span.metadata().name();
        let mut fields = Fields(String::new());
        span.record(&mut fields);
        let is_codecs = matches!(name, "decode" | "encode");
        assert!(!is_codecs || !fields.0.contains(" width=33 "), "torn");
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, _: &Event<'_>) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

/// In a program of its own, all of whose threads are listened to.
fn a_panic_of_a_codec_is_an_error_of_its_file(device: &Device) {
    if !alone(
        "batch::tracing::a_panic_of_a_codec_is_an_error_of_its_file",
        device,
    ) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let widths = [20, 33, 21, 22];
    let image = |width| Image::new(device, width, 10).unwrap();
    let inputs = widths.map(|width| folder.path().join(format!("{width}.png")));
    for (path, width) in inputs.iter().zip(widths) {
        imagecuda::save(&image(width), path).unwrap();
    }
    tracing::subscriber::set_global_default(Torn).unwrap();

    for (path, result) in Loader::new(device).load(inputs.clone()) {
        match path == inputs[1] {
            false => assert!(result.is_ok()),
            true => {
                let error = result.err().unwrap();
                assert!(matches!(error.kind(), ErrorKind::Decode(_)), "{error}");
                assert!(error.to_string().contains("torn"), "{error}");
                assert_eq!(error.path(), Some(&*path));
            }
        }
    }

    let outputs = widths.map(|width| folder.path().join(format!("saved/{width}.png")));
    std::fs::create_dir(folder.path().join("saved")).unwrap();
    let saver = Saver::new(SaveOptions::new());
    for (path, width) in outputs.iter().zip(widths) {
        saver.save(image(width), path);
    }
    for saved in saver.finish() {
        match saved.path == outputs[1] {
            false => assert!(saved.result.is_ok()),
            true => {
                let error = saved.result.unwrap_err();
                assert!(matches!(error.kind(), ErrorKind::Encode(_)), "{error}");
                assert!(error.to_string().contains("torn"), "{error}");
            }
        }
    }
    // No half file either.
    let files = std::fs::read_dir(folder.path().join("saved")).unwrap();
    assert_eq!(files.count(), 3);

    let jobs = inputs.into_iter().zip(outputs);
    let report = Pipeline::new(device).run(jobs, |_, _| Ok::<(), Infallible>(()));
    assert_eq!((report.saved, report.failures.len()), (3, 1));
}

#[track_caller]
fn is_torn<T>(result: Result<T, Error>, format: Format, path: Option<&Path>) {
    let error = result.err().expect("a codec that panics");
    let typed = matches!(error.kind(), ErrorKind::Decode(_) | ErrorKind::Encode(_));
    assert!(typed && error.to_string().contains("torn"), "{error}");
    assert_eq!(
        (error.format(), error.path()),
        (Some(format), path),
        "{error}"
    );
}

/// In a program of its own, all of whose threads are listened to.
fn a_panic_of_a_codec_is_an_error_of_a_single_call(device: &Device) {
    if !alone(
        "batch::tracing::a_panic_of_a_codec_is_an_error_of_a_single_call",
        device,
    ) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let [mut torn, whole] = [33, 20].map(|width| Image::new(device, width, 10).unwrap());
    let mut eight = ImageU8::new(device, 33, 10).unwrap();
    let files: Vec<_> = [Format::Jpeg, Format::Png, Format::Gif]
        .into_iter()
        .map(|format| {
            let path = folder
                .path()
                .join(format!("torn.{}", format.extensions()[0]));
            imagecuda::save(&torn, &path).unwrap();
            (format, std::fs::read(&path).unwrap(), path)
        })
        .collect();
    let whole_file = imagecuda::encode(&whole, Format::Png).unwrap();
    let animation = || SaveOptions::new().animation(Format::Gif).unwrap();
    let buffers = device.transfer_buffers();
    tracing::subscriber::set_global_default(Torn).unwrap();

    for _ in 0..20 {
        for (format, bytes, path) in &files {
            let (format, at) = (*format, Some(&**path));
            for options in [LoadOptions::new(), LoadOptions::new().allow_truncated(true)] {
                is_torn(options.load(device, path), format, at);
                is_torn(options.load_u8(device, path), format, at);
                is_torn(options.load_into(path, &mut torn), format, at);
                is_torn(options.load_u8_into(path, &mut eight), format, at);
                is_torn(
                    options.load_into_via(path, &mut torn, &mut eight),
                    format,
                    at,
                );
                is_torn(options.open(device, path), format, at);
                is_torn(options.decode(device, bytes), format, None);
                is_torn(options.decode_u8(device, bytes), format, None);
                is_torn(options.decode_into(bytes, &mut torn), format, None);
                is_torn(
                    options.decode_from(device, Cursor::new(bytes)),
                    format,
                    None,
                );
                is_torn(options.open_bytes(device, bytes), format, None);
                let mut frames = options.frames(device, path).unwrap();
                is_torn(frames.next_into(&mut torn), format, at);
                assert!(frames.next().is_none());
            }
            // What is there stays, and no half of another lies beside it.
            is_torn(imagecuda::save(&torn, path), format, at);
            is_torn(imagecuda::save_u8(&eight, path), format, at);
            is_torn(imagecuda::save_via(&torn, path, &mut eight), format, at);
            is_torn(imagecuda::encode(&torn, format), format, None);
            let writer = Cursor::new(Vec::new());
            let written = SaveOptions::new().encode_to(&torn, format, writer);
            is_torn(written, format, None);
            assert!(std::fs::read(path).unwrap() == *bytes);
        }
        let options = LoadOptions::new();
        assert_eq!(options.decode(device, &whole_file).unwrap().width(), 20);
        assert!(imagecuda::encode(&whole, Format::Png).unwrap() == whole_file);
        let mut gif = animation();
        gif.push(&whole, std::time::Duration::ZERO).unwrap();
        gif.save(folder.path().join("whole.gif")).unwrap();
    }
    let names = std::fs::read_dir(folder.path()).unwrap();
    assert_eq!(names.count(), files.len() + 1);
    // A buffer that were lost with each panic would be another one each time.
    let grown = device.transfer_buffers() - buffers;
    assert!(grown <= 8, "{grown}");
}
