//! Where a UE is: Location-Estimate, a shape of TS 23.032 (GAD) in octets. Of every shape the middle is taken.

/// A point on the earth, in degrees.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// North is positive.
    pub latitude: f64,
    /// East is positive.
    pub longitude: f64,
}

const EARTH_RADIUS: f64 = 6_371_000.0;

impl Point {
    /// The middle of a shape; `None` when the octets are none. TS 23.032 section 7: ellipsoid point (0), with
    /// uncertainty circle (1) or ellipse (3), polygon (5), with altitude (8, 9), arc (10).
    #[must_use]
    pub fn from_estimate(octets: &[u8]) -> Option<Self> {
        let (first, rest) = octets.split_first()?;
        let length = match first >> 4 {
            0 => 7,
            1 => 8,
            3 => 11,
            5 => return Self::middle_of_polygon(usize::from(first & 0x0f), rest),
            8 => 9,
            9 => 14,
            10 => 13,
            _ => return None,
        };
        if octets.len() != length {
            return None;
        }
        Self::read(rest)
    }

    /// An ellipsoid point, the simplest shape.
    #[must_use]
    pub fn to_estimate(self) -> [u8; 7] {
        let south = if self.latitude < 0.0 { 0x0080_0000 } else { 0 };
        let latitude = ((self.latitude.abs() / 90.0 * 8_388_608.0) as u32).min(0x007f_ffff) | south;
        let longitude = (self.longitude / 360.0 * 16_777_216.0).floor() as i32;
        let [_, a, b, c] = latitude.to_be_bytes();
        let [_, d, e, f] = longitude.to_be_bytes();
        [0, a, b, c, d, e, f]
    }

    fn middle_of_polygon(count: usize, mut rest: &[u8]) -> Option<Self> {
        if count < 3 || rest.len() != count * 6 {
            return None;
        }
        let (mut latitude, mut longitude) = (0.0, 0.0);
        while let Some((point, others)) = rest.split_first_chunk::<6>() {
            let point = Self::read(point)?;
            latitude += point.latitude;
            longitude += point.longitude;
            rest = others;
        }
        Some(Self { latitude: latitude / count as f64, longitude: longitude / count as f64 })
    }

    fn read(octets: &[u8]) -> Option<Self> {
        let &[a, b, c, d, e, f, ..] = octets else { return None };
        let latitude = f64::from(u32::from_be_bytes([0, a & 0x7f, b, c])) * 90.0 / 8_388_608.0;
        // The sign of 24 bits moves up to that of 32.
        let longitude = f64::from(i32::from_be_bytes([d, e, f, 0]) >> 8) * 360.0 / 16_777_216.0;
        Some(Self { latitude: if a & 0x80 == 0 { latitude } else { -latitude }, longitude })
    }

    /// Metres to another point along the ground.
    #[must_use]
    pub fn distance(self, other: Self) -> f64 {
        let (north, south) = (self.latitude.to_radians(), other.latitude.to_radians());
        let (up, along) = ((south - north) / 2.0, (other.longitude - self.longitude).to_radians() / 2.0);
        let half = up.sin().powi(2) + north.cos() * south.cos() * along.sin().powi(2);
        2.0 * EARTH_RADIUS * half.sqrt().min(1.0).asin()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_of_all_quarters_survive_and_distances_are_right() {
        for (latitude, longitude) in [(52.52, 13.405), (-33.87, 151.21), (40.71, -74.0), (-54.8, -68.3), (0.0, 0.0)] {
            let point = Point { latitude, longitude };
            let read = Point::from_estimate(&point.to_estimate()).unwrap();
            assert!(point.distance(read) < 3.0, "{point:?} {read:?}");
        }
        let (berlin, paris) =
            (Point { latitude: 52.52, longitude: 13.405 }, Point { latitude: 48.8566, longitude: 2.3522 });
        assert!((berlin.distance(paris) - 877_500.0).abs() < 2_000.0, "{}", berlin.distance(paris));
    }

    #[test]
    fn every_shape_has_its_length() {
        let point = Point { latitude: 10.0, longitude: 20.0 }.to_estimate();
        for (shape, length) in [(0u8, 7), (1, 8), (3, 11), (8, 9), (9, 14), (10, 13)] {
            let mut octets = point.to_vec();
            octets[0] = shape << 4;
            octets.resize(length, 0);
            assert!(Point::from_estimate(&octets).is_some(), "{shape}");
            octets.push(0);
            assert_eq!(Point::from_estimate(&octets), None, "{shape}");
        }
        let corner = &point[1..];
        let polygon = [&[0x53], corner, corner, corner].concat();
        assert!((Point::from_estimate(&polygon).unwrap().latitude - 10.0).abs() < 0.001);
        for bad in [&[][..], &[0x52], &polygon[..12], &[0x20, 0, 0, 0, 0, 0, 0]] {
            assert_eq!(Point::from_estimate(bad), None);
        }
    }
}
