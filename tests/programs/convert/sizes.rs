//! Parts of pictures, and smaller ones.

use super::{convert, sample, text};
use crate::support::same;
use imagecuda::{Device, LoadOptions, Scale};
use libtest_mimic::Trial;

pub(super) fn trials() -> Vec<Trial> {
    crate::support::on_each_device(crate::device_tests![cuts_and_shrinks])
}

/// `--region`, `--scale` and `--fit` are the options of the library.
fn cuts_and_shrinks(device: &Device) {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("a.png");
    let options = LoadOptions::new;
    let cases: [(&[&str], LoadOptions, (u32, u32)); 4] = [
        (
            &["--region", "33,17,100,60"],
            options().region(33, 17, 100, 60),
            (100, 60),
        ),
        (
            &["--scale", "1/8"],
            options().scale(Scale::Eighth),
            (200, 134),
        ),
        (&["--fit", "160,1000"], options().fit(160, 1000), (160, 107)),
        (
            &["--region=0,0,800,800", "--fit=64,64"],
            options().region(0, 0, 800, 800).fit(64, 64),
            (64, 64),
        ),
    ];
    for (args, options, size) in cases {
        let run = convert(device, args, &sample(), &output);
        assert!(run.status.success(), "{}", text(&run.stderr));
        let made = LoadOptions::new().load_u8(device, &output).unwrap();
        assert_eq!(made.dimensions(), size, "{args:?}");
        let expected = options.load_u8(device, sample()).unwrap();
        let (made, expected) = (made.download().unwrap(), expected.download().unwrap());
        same(&made, &expected, args);
    }
    for (args, why) in [
        (&["--region", "1,2,3"][..], "--region: "),
        (&["--scale", "1/3"], "1/2, 1/4, 1/8"),
        (&["--fit", "12x12"], "--fit: "),
    ] {
        let run = convert(device, args, &sample(), &output);
        assert_eq!(run.status.code(), Some(2));
        assert!(text(&run.stderr).contains(why), "{}", text(&run.stderr));
    }
    let args = ["--region", "1600,0,1,1"];
    let run = convert(device, &args, &sample(), &output);
    assert_eq!(run.status.code(), Some(1));
    assert!(text(&run.stderr).contains("bounds"));
}
