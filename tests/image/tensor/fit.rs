//! Pictures of another ratio than the tensor's: cut off, or padded.

use super::{bytes, opaque};
use crate::{
    image::resize::{image, samples},
    support::same,
};
use imagecuda::{Device, Filter, TensorChannels, TensorFit, TensorLayout, TensorOptions};
use libtest_mimic::Trial;

pub(super) fn trials() -> Vec<Trial> {
    crate::support::on_each_device(crate::device_tests![
        what_covers_is_cut_off_at_both_sides,
        what_is_contained_is_padded,
    ])
}

fn what_covers_is_cut_off_at_both_sides(device: &Device) {
    // Red where it is seen: the middle 20 columns of 40.
    let pixel = |i: usize| match i % 40 {
        10..30 => [1.0, 0.0, 0.0, 1.0],
        _ => [0.0, 1.0, 0.0, 1.0],
    };
    let samples: Vec<f32> = (0..40 * 20).flat_map(pixel).collect();
    let picture = image(device, (40, 20), &samples);
    let options = TensorOptions::new()
        .fit(TensorFit::Cover)
        .filter(Filter::Box);
    for (width, height) in [(20, 20), (10, 10), (5, 5), (40, 40)] {
        let tensor = picture.to_tensor(&options.size(width, height)).unwrap();
        let planes = tensor.download::<f32>().unwrap();
        let (red, rest) = planes.split_at(planes.len() / 3);
        assert!(red.iter().all(|&v| v == 1.0) && rest.iter().all(|&v| v == 0.0));
    }
    // With the same ratio nothing is cut off.
    let covered = picture.to_tensor(&options.size(10, 5)).unwrap();
    let stretched = options.fit(TensorFit::Stretch).size(10, 5);
    same(
        &bytes(&covered),
        &bytes(&picture.to_tensor(&stretched).unwrap()),
        "ratio",
    );
    // The other sides.
    let turned: Vec<f32> = (0..20 * 40).flat_map(|i| pixel(i / 20)).collect();
    let turned = image(device, (20, 40), &turned);
    let planes = turned
        .to_tensor(&options.size(10, 10))
        .unwrap()
        .download::<f32>()
        .unwrap();
    assert!(planes[..100].iter().all(|&v| v == 1.0));
}

fn what_is_contained_is_padded(device: &Device) {
    let pad = [0.25, 0.5, 0.75, 0.125];
    for (size, new_size, place) in [
        ((40, 20), (10, 10), [0, 2, 10, 5]),
        ((20, 40), (10, 10), [2, 0, 5, 10]),
        ((40, 20), (40, 24), [0, 2, 40, 20]),
        ((40, 20), (46, 20), [3, 0, 40, 20]),
        ((8, 8), (16, 9), [3, 0, 9, 9]),
    ] {
        let picture = image(device, size, &opaque(samples(6, size)));
        let [left, top, width, height] = place;
        for channels in [TensorChannels::Rgba, TensorChannels::Bgr] {
            let options = TensorOptions::new()
                .layout(TensorLayout::Nhwc)
                .channels(channels);
            let padded = options
                .fit(TensorFit::Contain(pad))
                .size(new_size.0, new_size.1);
            let padded = picture
                .to_tensor(&padded)
                .unwrap()
                .download::<f32>()
                .unwrap();
            let inner = picture.to_tensor(&options.size(width, height)).unwrap();
            let mut inner = inner.download::<f32>().unwrap().into_iter();
            let count = channels.count();
            for (i, pixel) in padded.chunks(count).enumerate() {
                let (x, y) = (i as u32 % new_size.0, i as u32 / new_size.0);
                let is_inner =
                    (left..left + width).contains(&x) && (top..top + height).contains(&y);
                let expected: Vec<f32> = match (is_inner, channels) {
                    (true, _) => inner.by_ref().take(count).collect(),
                    (false, TensorChannels::Rgba) => pad.to_vec(),
                    (false, _) => vec![pad[2], pad[1], pad[0]],
                };
                assert_eq!(pixel, expected, "{size:?} {new_size:?} {x} {y}");
            }
            assert_eq!(inner.next(), None);
        }
    }
}
