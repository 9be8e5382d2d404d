//! `cargo xtask chart`: a table of times as bars.

use crate::{Failure, args::Args, sh};
use std::{fmt::Write, fs};

pub(crate) const HELP: &str = "\
cargo xtask chart

Draws docs/saving.svg of docs/saving.tsv: lines of a name and milliseconds with a tab between, under
lines that name a group. Lines that begin with # go above and below the bars.
";

const WIDTH: f64 = 720.0;
const LEFT: f64 = 190.0;
const RIGHT: f64 = 80.0;
const LINE: f64 = 24.0;

pub(crate) fn run(args: &mut Args) -> Result<(), Failure> {
    args.finish()?;
    let docs = sh::root().join("docs");
    let from = docs.join("saving.tsv");
    let table = fs::read_to_string(&from).map_err(sh::io(&from))?;
    let to = docs.join("saving.svg");
    fs::write(&to, draw(&table)?).map_err(sh::io(&to))
}

/// Bars of a group are to one scale, which begins at 0.
fn draw(table: &str) -> Result<String, Failure> {
    let lines: Vec<&str> = table.lines().filter(|line| !line.is_empty()).collect();
    let mut groups: Vec<(&str, Vec<(&str, f64)>)> = Vec::new();
    let mut notes = Vec::new();
    for line in &lines {
        if let Some(note) = line.strip_prefix('#') {
            notes.push(note.trim());
        } else if let Some((name, time)) = line.split_once('\t') {
            let time = time.parse().map_err(|_| format!("no number: {line}"))?;
            let group = groups.last_mut().ok_or("a time without a group")?;
            group.1.push((name, time));
        } else {
            groups.push((line, Vec::new()));
        }
    }
    let rows = groups.iter().map(|group| group.1.len() + 2).sum::<usize>() + notes.len();
    let height = LINE * (rows as f64 + 0.5);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" \
         font-family=\"sans-serif\" font-size=\"14\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n"
    );
    let mut y = LINE;
    let text = |x: f64, y: f64, style: &str, text: &str| {
        let text = text.replace('&', "&amp;").replace('<', "&lt;");
        format!("<text x=\"{x}\" y=\"{y}\" {style}>{text}</text>\n")
    };
    for (name, times) in &groups {
        svg += &text(8.0, y, "font-weight=\"bold\"", name);
        y += LINE;
        let most = times.iter().map(|time| time.1).fold(0.0, f64::max);
        for (name, time) in times {
            let own = *name == "imagecuda";
            let color = if own { "#c2410c" } else { "#94a3b8" };
            let width = ((WIDTH - LEFT - RIGHT) * time / most).max(1.0);
            svg += &text(LEFT - 8.0, y, "text-anchor=\"end\"", name);
            let _ = writeln!(
                svg,
                "<rect x=\"{LEFT}\" y=\"{}\" width=\"{width:.1}\" height=\"16\" fill=\"{color}\"/>",
                y - 13.0
            );
            svg += &text(LEFT + width + 6.0, y, "", &format!("{time} ms"));
            y += LINE;
        }
        y += LINE;
    }
    for note in notes {
        svg += &text(
            8.0,
            y - LINE / 2.0,
            "font-size=\"12\" fill=\"#475569\"",
            note,
        );
        y += LINE;
    }
    svg += "</svg>\n";
    Ok(svg)
}

#[cfg(test)]
mod tests {
    use super::draw;

    #[test]
    fn bars_are_to_scale_and_nonsense_is_refused() {
        let svg = draw("# note\nA\nx\t1\ny & z\t4\n").unwrap();
        let widths: Vec<&str> = svg
            .split("width=\"")
            .filter_map(|part| part.split_once("\" height=\"16\"").map(|part| part.0))
            .collect();
        assert_eq!(widths, ["112.5", "450.0"]);
        assert!(svg.contains("y &amp; z") && svg.contains("note"));
        assert!(draw("x\t1\n").is_err() && draw("A\nx\tone\n").is_err());
    }
}
