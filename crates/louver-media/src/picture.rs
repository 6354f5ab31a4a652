//! A picture in memory.

/// Width and height in pixels; each 2 to 8192 and even, as 4:2:0 needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PictureSize {
    width: u16,
    height: u16,
}

impl PictureSize {
    /// The largest width or height taken: what a camera claims beyond it is refused before memory is taken.
    pub const LARGEST: u32 = 8192;

    /// `None` outside 2 to 8192; odd sizes lose their last row or column.
    pub fn new(width: u32, height: u32) -> Option<Self> {
        let fits = |n: u32| (2..=Self::LARGEST).contains(&n);
        (fits(width) && fits(height))
            .then_some(Self { width: (width & !1) as u16, height: (height & !1) as u16 })
    }

    /// Pixels across.
    pub const fn width(self) -> usize {
        self.width as usize
    }

    /// Pixels down.
    pub const fn height(self) -> usize {
        self.height as usize
    }

    /// Pixels in all.
    pub const fn area(self) -> usize {
        self.width() * self.height()
    }
}

impl std::fmt::Display for PictureSize {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}x{}", self.width, self.height)
    }
}

/// A picture, Y'CbCr 4:2:0 in three planes without padding, limited range (ITU-T H.273 as cameras use it).
#[derive(Clone, PartialEq, Eq)]
pub struct Picture {
    /// Size of the luma plane; chroma planes are half as wide and half as high.
    pub size: PictureSize,
    /// Luma, `width * height` bytes, row by row.
    pub y: Vec<u8>,
    /// Blue difference, a quarter of the luma's bytes.
    pub u: Vec<u8>,
    /// Red difference, a quarter of the luma's bytes.
    pub v: Vec<u8>,
}

impl Picture {
    /// A picture of one colour.
    pub fn flat(size: PictureSize, y: u8, u: u8, v: u8) -> Self {
        let chroma = size.area() / 4;
        Self { size, y: vec![y; size.area()], u: vec![u; chroma], v: vec![v; chroma] }
    }
}

impl std::fmt::Debug for Picture {
    /// Without the pixels.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Picture {{ {} }}", self.size)
    }
}
