//! The forms of stamps by their words, as they stand in YAML and on the command line. Knows nothing of how they are read.

macro_rules! formats {
    ($($(#[$doc:meta])* $name:ident = $word:literal $(or $other:literal)*,)*) => {
        /// How the lines of a log say when they were written.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Format { $($(#[$doc])* $name,)* }

        impl Format {
            /// Every one.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// Its word.
            #[must_use]
            pub fn word(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }

            /// The format of this word or of one of its other names: programs that write it.
            #[must_use]
            pub fn named(word: &str) -> Option<Self> {
                match word {
                    $($word $(| $other)* => Some(Self::$name),)*
                    _ => None,
                }
            }

            /// Every word that [`Format::named`] knows.
            pub const WORDS: &'static [&'static str] = &[$($word, $($other,)*)*];
        }
    };
}

formats! {
    /// ISO 8601 or RFC 3339 somewhere at the start of the line, with `T` or a blank, `.` or `,`, an offset or none.
    Iso = "iso" or "rfc3339" or "log4j" or "logback" or "python" or "postgresql" or "cri" or "openstack",
    /// `<34>1 2026-08-17T14:00:00Z …`.
    Rfc5424 = "rfc5424",
    /// `1.2.3.4 - - [17/Aug/2026:14:00:00 +0000] …`.
    Nginx = "nginx" or "apache" or "combined" or "haproxy",
}
