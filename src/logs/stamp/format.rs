//! The forms of stamps by their words, as they stand in YAML and on the command line. Knows nothing of how they are read.

macro_rules! formats {
    ($($(#[$doc:meta])* $name:ident = $word:literal $(or $other:literal)*,)*) => {
        /// How the lines of a log say when they were written. One is named after the program best known for it and has
        /// the other programs that write the same form as further names.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Format { $($(#[$doc])* $name,)* }

        impl Format {
            /// Every one; where a log could be read by two of them, the earlier wins.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// Every word that [`Format::named`] knows.
            pub const WORDS: &'static [&'static str] = &[$($word, $($other,)*)*];

            /// Its word.
            #[must_use]
            pub fn word(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }

            /// The format of this word or of one of its other names.
            #[must_use]
            pub fn named(word: &str) -> Option<Self> {
                match word {
                    $($word $(| $other)* => Some(Self::$name),)*
                    _ => None,
                }
            }
        }
    };
}

formats! {
    /// JSON lines; the stamp is a string or a number under a usual key.
    Json = "json" or "docker",
    /// `ts=2026-08-17T14:00:00Z level=info …`.
    Logfmt = "logfmt",
    /// `<34>1 2026-08-17T14:00:00Z …`.
    Rfc5424 = "rfc5424",
    /// ISO 8601 or RFC 3339 near the start of the line, with `T` or a blank, `.` or `,`, an offset or none.
    Iso = "iso" or "rfc3339" or "log4j" or "logback" or "python" or "postgresql" or "cri" or "openstack",
    /// `260817 14:00:00` or ISO 8601.
    Mysql = "mysql",
    /// `Aug 17 14:00:00`, without a year or with one.
    Rfc3164 = "rfc3164" or "syslog" or "syslog-ng",
    /// `[17/Aug/2026:14:00:00 +0000]`, with a fraction or none, an offset or none.
    Nginx = "nginx" or "apache" or "combined" or "haproxy",
    /// `2026/08/17 14:00:00`.
    NginxError = "nginx-error" or "go",
    /// `[Sun Dec 04 04:51:09.123 2005]`.
    ApacheError = "apache-error",
    /// `I0817 14:00:00.123456`.
    Klog = "klog" or "glog",
    /// `msg=audit(1364481363.243:24287)`.
    Auditd = "auditd",
    /// Month first: `8/17/2026 2:00:00 PM`.
    Windows = "windows",
    /// Day first: `17/08/2026 14:00:00`, `17.08.2026 14:00:00`.
    DayFirst = "day-first",
    /// `17-Aug-2026 14:00:00.123`, `17 Aug 2026 14:00:00`.
    Tomcat = "tomcat" or "redis" or "bind",
    /// `17/06/09 20:10:40`, the year first.
    Spark = "spark",
    /// `20171223-22:15:29:606`, `20260817T140000Z`.
    Compact = "compact" or "healthapp",
    /// `081109 203615`.
    Hdfs = "hdfs",
    /// `03-17 16:13:38.811`, without a year.
    Android = "android" or "proxifier",
    /// Seconds, milli-, micro- or nanoseconds since 1970 in a column of their own.
    Epoch = "epoch" or "bgl" or "thunderbird" or "hpc" or "squid",
}
