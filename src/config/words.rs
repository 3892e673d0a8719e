//! The settings that are one word of a few, each with the enum that the program sees.

macro_rules! words {
    ($( $(#[doc = $doc:literal])+ $name:ident { $( $(#[doc = $help:literal])+ $variant:ident = $word:literal ),+ $(,)? } )+) => {
        $(
            $(#[doc = $doc])+
            #[derive(Debug, Clone, Copy, PartialEq, Eq)]
            pub enum $name { $( $(#[doc = $help])+ $variant ),+ }

            impl $name {
                /// The words, in the order of the documentation.
                pub const WORDS: &[&str] = &[$($word),+];

                /// The word as written in the configuration.
                pub fn word(self) -> &'static str {
                    match self { $( Self::$variant => $word ),+ }
                }

                pub(super) fn read(word: &str) -> Option<Self> {
                    match word { $( $word => Some(Self::$variant), )+ _ => None }
                }
            }
        )+
    };
}

words! {
    /// Whether the page repeats broker families under the standard Go and HTTP names.
    StandardNames {
        /// Repeat when one server is watched.
        Auto = "auto",
        /// Repeat always.
        On = "on",
        /// Never repeat.
        Off = "off",
    }
    /// Which client connections get series of their own.
    Connections {
        /// None; totals and histograms only.
        Off = "off",
        /// The largest by pending bytes and traffic.
        Top = "top",
        /// Each.
        All = "all",
    }
    /// The form of a log line.
    LogFormat {
        /// For people.
        Text = "text",
        /// One JSON object a line.
        Json = "json",
    }
    /// A version of TLS.
    TlsVersion {
        /// TLS 1.2.
        Tls12 = "TLS12",
        /// TLS 1.3.
        Tls13 = "TLS13",
    }
    /// What a listener asks of the certificates of its clients, in the words of Go.
    ClientAuth {
        /// Nothing.
        None = "NoClientCert",
        /// One, if there is one; whose does not matter.
        Request = "RequestClientCert",
        /// One; whose does not matter.
        RequireAny = "RequireAnyClientCert",
        /// One, if there is one; then it must be good.
        VerifyIfGiven = "VerifyClientCertIfGiven",
        /// A good one.
        RequireAndVerify = "RequireAndVerifyClientCert",
    }
    /// The least severe level that is logged.
    LogLevel {
        /// Failures only.
        Error = "error",
        /// And what will fail unless somebody acts.
        Warn = "warn",
        /// And changes of state.
        Info = "info",
        /// And each round.
        Debug = "debug",
        /// And each request.
        Trace = "trace",
    }
}
