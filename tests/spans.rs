//! What subscribers of `tracing` hear, on every device.

use imagecuda::{Device, Image, SaveOptions};
use libtest_mimic::Trial;
use std::sync::{Arc, Mutex};
use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
};

pub(crate) fn trials() -> Vec<Trial> {
    crate::support::on_each_device(crate::device_tests![every_stage_is_a_span])
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

fn every_stage_is_a_span(device: &Device) {
    let folder = tempfile::tempdir().unwrap();
    let every_stage = |name: &str, heard: Heard| {
        let path = folder.path().join(name);
        SaveOptions::new()
            .background([0; 3])
            .save(&Image::new(device, 20, 10).unwrap(), &path)
            .unwrap();
        tracing::subscriber::with_default(heard, || {
            let image = imagecuda::LoadOptions::new().load(device, &path).unwrap();
            image.to_u8().unwrap();
            imagecuda::save(&image, &path).unwrap();
        });
    };
    // Once before: what another test's thread, which has no subscriber, opens for the first time
    // while one listens elsewhere, `tracing` takes for unwanted until there is another subscriber.
    every_stage("first.png", Heard::default());
    let heard = Heard::default();
    every_stage("second.png", heard.clone());
    assert_eq!(
        *heard.0.lock().unwrap(),
        [
            "decode format=PNG width=20 height=10 bytes=600".to_owned(),
            format!("upload device={device} width=20 height=10 bytes=600"),
            format!("convert device={device} width=20 height=10"),
            "download format=PNG bytes=800".to_owned(),
            "encode format=PNG width=20 height=10".to_owned(),
        ]
    );
}
