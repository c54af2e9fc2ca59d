use super::slope;

fn near(found: Option<f64>, wanted: f64) -> bool {
    found.is_some_and(|found| (found - wanted).abs() < 1e-9)
}

#[test]
fn points_on_a_line_give_its_slope() {
    let line: Vec<_> = (0..50).map(|x| (f64::from(x), 3.0 - 0.25 * f64::from(x))).collect();
    assert!(near(slope(&line), -0.25));
}

#[test]
fn noise_around_a_level_is_no_growth() {
    let noise: Vec<_> =
        (0..40).map(|x| (f64::from(x), f64::from([5, 7, 7, 5][x as usize % 4]))).collect();
    assert!(slope(&noise).unwrap().abs() < 0.01);
}

#[test]
fn a_few_points_are_enough_and_too_few_are_none() {
    assert!(near(slope(&[(0.0, 1.0), (1.0, 0.0), (2.0, 2.0)]), 0.5));
    assert!(slope(&[]).is_none());
    assert!(slope(&[(1.0, 1.0)]).is_none());
    assert!(slope(&[(1.0, 1.0), (1.0, 2.0)]).is_none());
}
