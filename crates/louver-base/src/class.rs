//! What a moving thing is. Deliberately coarse: no class could hold an identity.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Kind of a thing in front of a camera; the only thing Louver ever says about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    /// A human being, walking, sitting, cycling.
    Person,
    /// Car, lorry, bus, motorcycle, bicycle, boat, train.
    Vehicle,
    /// Dog, cat, horse, bird and the like.
    Animal,
    /// Box, suitcase, bag that nobody carries. Looked for only where a camera may show parcels.
    Parcel,
}

impl Class {
    /// Every class, in the order of the page's filters.
    pub const ALL: [Self; 4] = [Self::Person, Self::Vehicle, Self::Animal, Self::Parcel];

    /// The word used in files, the API and the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Vehicle => "vehicle",
            Self::Animal => "animal",
            Self::Parcel => "parcel",
        }
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for Class {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|c| c.as_str() == text)
            .ok_or_else(|| format!("\"{text}\" is not a class: person, vehicle, animal or parcel"))
    }
}
