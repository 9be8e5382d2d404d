//! Savers and pipelines, on every device.

use super::loader::{files, picture};
use imagecuda::{
    Device, Format, Image, LoadOptions, Metadata, SaveOptions,
    batch::{CancelToken, Loader, Outcome, Pipeline, Saver},
};
use libtest_mimic::Trial;
use std::{
    convert::Infallible,
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

pub(crate) fn trials() -> Vec<Trial> {
    crate::support::on_each_device(crate::device_tests![
        saved_files_are_those_of_single_saves,
        a_saver_reports_every_failure,
        a_saver_takes_a_loaders_images,
        a_pipeline_is_load_work_save,
        a_pipeline_goes_on_where_it_was,
        a_cancelled_pipeline_leaves_no_half_files,
        a_panic_of_the_work_ends_the_pipeline,
    ])
}

fn saved_files_are_those_of_single_saves(device: &Device) {
    let folder = tempfile::tempdir().unwrap();
    let extensions = ["png", "jpg", "webp", "tif", "exr", "bmp"];
    let path = |i: usize| folder.path().join(format!("{i}.{}", extensions[i % 6]));
    for threads in [1, 3, 16] {
        let saver = Saver::new(SaveOptions::new()).threads(threads).in_flight(4);
        let mut image = picture(device, 0);
        for i in 0..40 {
            image
                .upload(&picture(device, i as u64).download().unwrap())
                .unwrap();
            saver.save(&image, path(i));
        }
        let saved = saver.finish();
        assert_eq!(saved.len(), 40);
        for (i, saved) in saved.iter().enumerate() {
            assert_eq!(saved.path, path(i));
            let file = fs::read(path(i)).unwrap();
            assert_eq!(*saved.result.as_ref().unwrap(), file.len() as u64);
            let format = Format::from_path(path(i)).unwrap();
            let expected = imagecuda::encode(&picture(device, i as u64), format).unwrap();
            assert!(file == expected, "{i}");
        }
    }
}

fn a_saver_reports_every_failure(device: &Device) {
    let folder = tempfile::tempdir().unwrap();
    let image = picture(device, 1);
    let told = Arc::new(AtomicUsize::new(0));
    let count = told.clone();
    let saver = Saver::new(SaveOptions::new())
        .threads(2)
        .on_saved(move |saved| {
            count.fetch_add(1, Ordering::Relaxed);
            assert!(saved.result.is_ok(), "a callback's panic is its own affair");
        });
    for name in ["a.png", "none/b.png", "c.what", "d.png"] {
        saver.save(&image, folder.path().join(name));
    }
    let saved = saver.finish();
    let ok: Vec<bool> = saved.iter().map(|saved| saved.result.is_ok()).collect();
    assert_eq!(ok, [true, false, false, true]);
    assert_eq!(told.load(Ordering::Relaxed), 4);
    for saved in saved.iter().filter(|saved| saved.result.is_err()) {
        let error = saved.result.as_ref().unwrap_err();
        assert_eq!(error.path(), Some(&*saved.path), "{error}");
    }
}

fn a_saver_takes_a_loaders_images(device: &Device) {
    let folder = tempfile::tempdir().unwrap();
    let metadata = Metadata::new().with_exif(b"II*\0\x08\0\0\0\0\0\0\0\0\0");
    let file = SaveOptions::new().metadata(metadata.clone());
    let file = file.encode(&picture(device, 3), Format::Png).unwrap();
    let saver = Saver::new(SaveOptions::new());
    let path = folder.path().join("a.bmp");
    let save = || -> imagecuda::Result<()> {
        for (_, frame) in Loader::new(device).load([file]) {
            assert_eq!(frame.as_ref().unwrap().metadata(), &metadata);
            saver.save(&frame?, &path);
        }
        Ok(())
    };
    save().unwrap();
    assert!(saver.finish().iter().all(|saved| saved.result.is_ok()));
    let expected = imagecuda::encode(&picture(device, 3), Format::Bmp).unwrap();
    assert!(fs::read(&path).unwrap() == expected);
}

/// A folder of pictures, and where they are to go.
fn jobs(folder: &Path, count: usize, broken: impl Fn(usize) -> bool) -> Vec<(PathBuf, PathBuf)> {
    fs::create_dir(folder.join("out")).unwrap();
    let write = |(i, file): (usize, Vec<u8>)| {
        let source = folder.join(format!("{i:03}.png"));
        fs::write(&source, file).unwrap();
        (source, folder.join(format!("out/{i:03}.png")))
    };
    files(count, broken)
        .into_iter()
        .enumerate()
        .map(write)
        .collect()
}

fn brighten(image: &mut Image) {
    let mut samples = image.download().unwrap();
    samples.iter_mut().for_each(|v| *v = 1.0 - *v);
    image.upload(&samples).unwrap();
}

fn a_pipeline_is_load_work_save(device: &Device) {
    let folder = tempfile::tempdir().unwrap();
    let jobs = jobs(folder.path(), 60, |i| i == 17);
    let told = Arc::new(AtomicUsize::new(0));
    let last = told.clone();
    let events = Arc::new(Mutex::new(Vec::new()));
    let collected = events.clone();
    let report = Pipeline::new(device)
        .threads(4)
        .on_progress(move |event| {
            last.fetch_max(event.progress.done(), Ordering::Relaxed);
            let job = (event.source.to_owned(), event.target.to_owned());
            let outcome = match event.outcome {
                Outcome::Saved(bytes) => Ok(bytes),
                Outcome::Failed(error) => Err(error.to_string()),
                other => panic!("{other:?}"),
            };
            collected.lock().unwrap().push((job, outcome));
        })
        .run(jobs.clone(), |image, path| {
            if path.ends_with("023.png") {
                return Err("not this one");
            }
            brighten(image);
            Ok(())
        });
    assert_eq!((report.saved, report.skipped), (58, 0));
    assert_eq!(told.load(Ordering::Relaxed), 60);
    assert!(!report.cancelled && report.bytes_written > 0);
    let failed: Vec<_> = report.failures.iter().map(|f| &f.source).collect();
    assert_eq!(failed, [&jobs[17].0, &jobs[23].0]);
    assert_eq!(report.failures[1].error.to_string(), "not this one");
    // Every file is told of once, with what became of it.
    let mut events = std::mem::take(&mut *events.lock().unwrap());
    events.sort();
    assert!(events.iter().map(|(job, _)| job).eq(&jobs));
    for (i, ((_, target), outcome)) in events.iter().enumerate() {
        match outcome {
            Ok(bytes) => assert_eq!(*bytes, target.metadata().unwrap().len()),
            Err(error) => {
                let failure = &report.failures[usize::from(i == 23)];
                assert!(i == 17 || i == 23);
                assert_eq!(*error, failure.error.to_string());
            }
        }
    }
    let read: u64 = jobs
        .iter()
        .map(|(source, _)| source.metadata().unwrap().len())
        .sum();
    assert_eq!(report.bytes_read, read);
    for (i, (source, target)) in jobs.iter().enumerate() {
        if i == 17 || i == 23 {
            assert!(!target.exists());
            continue;
        }
        let mut image = LoadOptions::new().load(device, source).unwrap();
        brighten(&mut image);
        let expected = imagecuda::encode(&image, Format::Png).unwrap();
        assert!(fs::read(target).unwrap() == expected, "{i}");
    }
}

fn a_pipeline_goes_on_where_it_was(device: &Device) {
    let folder = tempfile::tempdir().unwrap();
    let jobs = jobs(folder.path(), 20, |_| false);
    let work = |_: &mut Image, _: &Path| Ok::<(), Infallible>(());
    let first = Pipeline::new(device).run(jobs[..12].to_vec(), work);
    assert_eq!(first.saved, 12);
    fs::write(&jobs[3].1, "").unwrap(); // not whole
    let second = Pipeline::new(device).resume(true).run(jobs.clone(), work);
    assert_eq!((second.saved, second.skipped), (9, 11));
    let third = Pipeline::new(device).run(jobs, work);
    assert_eq!((third.saved, third.skipped), (20, 0));
}

fn a_cancelled_pipeline_leaves_no_half_files(device: &Device) {
    let folder = tempfile::tempdir().unwrap();
    let jobs = jobs(folder.path(), 40, |_| false);
    let token = CancelToken::new();
    let mut count = 0;
    let report = Pipeline::new(device)
        .threads(2)
        .cancel_token(&token)
        .run(jobs.clone(), |_, _| {
            count += 1;
            if count == 9 {
                token.cancel();
            }
            Ok::<(), Infallible>(())
        });
    assert!(report.cancelled && report.saved <= 9, "{report:?}");
    assert!(report.failures.is_empty(), "{report:?}");
    let there: Vec<PathBuf> = fs::read_dir(folder.path().join("out"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    assert_eq!(there.len(), report.saved);
    for path in there {
        LoadOptions::new().load(device, &path).unwrap();
    }
}

fn a_panic_of_the_work_ends_the_pipeline(device: &Device) {
    let folder = tempfile::tempdir().unwrap();
    let jobs = jobs(folder.path(), 30, |_| false);
    let mut count = 0;
    let run = std::panic::AssertUnwindSafe(|| {
        let pipeline = Pipeline::new(device).threads(3);
        pipeline.run(jobs.clone(), |_, _| {
            count += 1;
            assert!(count < 5, "the work is torn");
            Ok::<(), Infallible>(())
        })
    });
    assert!(std::panic::catch_unwind(run).is_err());
    // What was handed over before is whole.
    for (_, target) in &jobs[..4] {
        LoadOptions::new().load(device, target).unwrap();
    }
    assert!(jobs[4..].iter().all(|(_, target)| !target.exists()));
}
