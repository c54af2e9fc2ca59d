//! A bar chart as SVG, by hand: text and rectangles, readable on a light and on a dark page.

use std::fmt::Write as _;

/// One bar.
pub(super) struct Bar {
    pub label: String,
    pub value: f64,
    /// The value as text, beside the bar.
    pub shown: String,
    /// Whether it is the program that this repository makes.
    pub ours: bool,
}

/// Draws the bars from top to bottom; shorter is better in every scenario.
pub(super) fn draw(title: &str, unit: &str, bars: &[Bar]) -> String {
    let most = bars.iter().map(|bar| bar.value).fold(f64::MIN_POSITIVE, f64::max);
    let height = bars.iter().fold(TOP + 16.0, |height, _| height + STEP);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" \
         width=\"{WIDTH}\" height=\"{height}\" font-family=\"sans-serif\" font-size=\"13\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n\
         <text x=\"16\" y=\"26\" font-size=\"16\" font-weight=\"bold\" fill=\"#1f2328\">{}</text>\n\
         <text x=\"16\" y=\"46\" fill=\"#59636e\">{}, shorter is better</text>\n",
        escaped(title),
        escaped(unit),
    );
    let mut y = TOP;
    for bar in bars {
        draw_bar(&mut svg, bar, y, most);
        y += STEP;
    }
    svg.push_str("</svg>\n");
    svg
}

fn draw_bar(svg: &mut String, bar: &Bar, y: f64, most: f64) {
    let length = (bar.value.max(0.0) / most * LONGEST).max(1.0);
    let colour = if bar.ours { "#0969da" } else { "#8c959f" };
    let (text_y, value_x) = (y + 17.0, LEFT + length + 8.0);
    let _ = writeln!(
        svg,
        "<text x=\"{}\" y=\"{text_y}\" text-anchor=\"end\" fill=\"#1f2328\">{}</text>\n\
         <rect x=\"{LEFT}\" y=\"{y}\" \
         width=\"{length:.1}\" height=\"{THICK}\" fill=\"{colour}\"/>\n\
         <text x=\"{value_x:.1}\" y=\"{text_y}\" fill=\"#1f2328\">{}</text>",
        LEFT - 8.0,
        escaped(&bar.label),
        escaped(&bar.shown),
    );
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

const WIDTH: f64 = 760.0;
const TOP: f64 = 62.0;
const STEP: f64 = 32.0;
const THICK: f64 = 24.0;
const LEFT: f64 = 190.0;
const LONGEST: f64 = 400.0;

#[cfg(test)]
mod tests;
