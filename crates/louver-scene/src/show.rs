//! What a camera's policy allows to be seen as it is.

use louver_base::Class;

/// Classes whose things may be shown as real pixels. People cannot stand in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Show {
    vehicle: bool,
    animal: bool,
    parcel: bool,
}

/// Somebody asked for people to be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("people are never shown as they are: originals are sealed, and only their holders open them")]
pub struct PeopleAreNeverShown;

impl Show {
    /// Nothing: everything that moves is a box. The default.
    pub const NOTHING: Self = Self { vehicle: false, animal: false, parcel: false };

    /// Allows one class more.
    ///
    /// # Errors
    /// For people, whatever the reason.
    pub const fn and(self, class: Class) -> Result<Self, PeopleAreNeverShown> {
        match class {
            Class::Person => Err(PeopleAreNeverShown),
            Class::Vehicle => Ok(Self { vehicle: true, ..self }),
            Class::Animal => Ok(Self { animal: true, ..self }),
            Class::Parcel => Ok(Self { parcel: true, ..self }),
        }
    }

    /// Whether things of this class may be seen.
    pub const fn allows(self, class: Class) -> bool {
        match class {
            Class::Person => false,
            Class::Vehicle => self.vehicle,
            Class::Animal => self.animal,
            Class::Parcel => self.parcel,
        }
    }

    /// Whether nothing may be seen.
    pub const fn is_nothing(self) -> bool {
        !(self.vehicle || self.animal || self.parcel)
    }

    /// The classes that may be seen, in the usual order.
    pub fn classes(self) -> impl Iterator<Item = Class> {
        Class::ALL.into_iter().filter(move |c| self.allows(*c))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_cannot_be_allowed_and_everything_else_can() {
        let mut show = Show::NOTHING;
        for class in Class::ALL {
            match show.and(class) {
                Ok(more) => show = more,
                Err(PeopleAreNeverShown) => assert_eq!(class, Class::Person),
            }
        }
        assert_eq!(show.classes().collect::<Vec<_>>(), [Class::Vehicle, Class::Animal, Class::Parcel]);
        assert!(Show::NOTHING.is_nothing() && !show.is_nothing() && Show::NOTHING.classes().next().is_none());
    }
}
