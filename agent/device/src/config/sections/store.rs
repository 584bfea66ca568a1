//! `[store]`: the S3 service, its names and how to sign for it.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use crate::config::form::{Line, text, word};
use crate::config::reader::Reader;
use crate::config::template::{BucketTemplate, KeyTemplate};

/// The S3 service, its names and how to sign for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Store {
    /// URL of the service; `None` for AWS.
    pub endpoint: Option<Endpoint>,
    /// Region that requests are signed for.
    pub region: String,
    /// Whether the bucket stands in the path rather than in the host name.
    pub path_style: bool,
    /// Bucket of a site that names none.
    pub bucket: BucketTemplate,
    /// Object keys of a site that has no template.
    pub key: KeyTemplate,
    /// Where the keys come from.
    pub credentials: Credentials,
    /// Whether to write on condition that the object is not there yet.
    pub conditional_writes: Switch,
    /// PEM file with certificate authorities to trust beside the system's own, absolute.
    pub tls_ca_file: Option<PathBuf>,
}

/// Where the keys come from. Debug shows no command: it may hold a secret.
#[derive(Clone, PartialEq, Eq)]
pub enum Credentials {
    /// The `AWS_*` variables, then the default profile of the shared AWS files.
    Ambient,
    /// A profile of the shared AWS files.
    Profile(String),
    /// A command that prints keys as JSON.
    Process(String),
    /// A file that [`crate::config::key_file::read`] reads, absolute.
    File(PathBuf),
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ambient => f.write_str("Ambient"),
            Self::Profile(name) => f.debug_tuple("Profile").field(name).finish(),
            Self::Process(_) => f.write_str("Process(..)"),
            Self::File(path) => f.debug_tuple("File").field(path).finish(),
        }
    }
}

/// A feature that is used, not used, or used where a probe finds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Switch {
    /// Find out.
    Auto,
    /// Use it.
    On,
    /// Do not use it.
    Off,
}

const SWITCH: &[(&str, Switch)] = &[
    ("auto", Switch::Auto),
    ("on", Switch::On),
    ("off", Switch::Off),
];

/// URL of a service: scheme, host and perhaps a port, nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint(String);

impl Endpoint {
    /// The URL as text, without a slash at its end.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Why a text is not an [`Endpoint`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotAnEndpoint {
    /// Not a URL at all.
    #[error("is not a URL")]
    NotAUrl,
    /// Neither `http` nor `https`.
    #[error("does not begin with http:// or https://")]
    BadScheme,
    /// It names a user, whose secret would be shown.
    #[error("names a user; keys go into store.credentials_file")]
    HasUser,
    /// It has a path or a query.
    #[error("has more than a host and a port")]
    HasPath,
}

impl FromStr for Endpoint {
    type Err = NotAnEndpoint;

    fn from_str(text: &str) -> Result<Self, NotAnEndpoint> {
        let text = text.trim_end_matches('/');
        let uri: http::Uri = text.parse().map_err(|_| NotAnEndpoint::NotAUrl)?;
        let authority = uri.authority().ok_or(NotAnEndpoint::NotAUrl)?;
        if !matches!(uri.scheme_str(), Some("http" | "https")) {
            return Err(NotAnEndpoint::BadScheme);
        }
        if authority.as_str().contains('@') {
            return Err(NotAnEndpoint::HasUser);
        }
        if !matches!(uri.path(), "" | "/") || uri.query().is_some() {
            return Err(NotAnEndpoint::HasPath);
        }
        Ok(Self(text.to_owned()))
    }
}

/// What a bucket's template must be.
pub(super) const BUCKET: &str = "a bucket's name, in which {site} is the site's";

/// What a key's template must be.
pub(super) const KEY: &str = "a template such as \"{year}/{month_name}/{name}\"";

pub(in crate::config) fn read(reader: &mut Reader<'_>) -> Store {
    let endpoint = text::<Endpoint>("a URL such as \"http://127.0.0.1:9000\"");
    let bucket = text::<BucketTemplate>(BUCKET);
    let key = text::<KeyTemplate>(KEY);
    let endpoint = reader.get("store.endpoint", endpoint.private().or(""));
    Store {
        region: reader
            .get(
                "store.region",
                text::<Line>("the name of a region, such as \"us-west-1\""),
            )
            .0,
        path_style: match reader.get("store.path_style", word(SWITCH)) {
            Switch::On => true,
            Switch::Off => false,
            Switch::Auto => endpoint.is_some(),
        },
        endpoint,
        bucket: reader.get("store.bucket", bucket),
        key: reader.get("store.key", key),
        credentials: read_credentials(reader),
        conditional_writes: reader.get("store.conditional_writes", word(SWITCH)),
        tls_ca_file: reader.path("store.tls_ca_file"),
    }
}

fn read_credentials(reader: &mut Reader<'_>) -> Credentials {
    let line = |expected| text::<Line>(expected).or("");
    let profile = reader.get("store.profile", line("the name of a profile"));
    let process = reader.get("store.credential_process", line("a command").private());
    let mut file = reader.path("store.credentials_file");
    // What the supervisor hands over is the file that is named, or would be: its original may be root's.
    if let Some(handed) = reader.environment().handed_keys()
        && (file.is_some() || (profile.is_none() && process.is_none()))
    {
        reader.show_as("store.credentials_file", &handed.to_string_lossy());
        file = Some(handed.to_owned());
    }
    match (profile, process, file) {
        (None, None, None) => Credentials::Ambient,
        (Some(Line(name)), None, None) => Credentials::Profile(name),
        (None, Some(Line(command)), None) => Credentials::Process(command),
        (None, None, Some(path)) => Credentials::File(path),
        (_, process, file) => {
            let last = if file.is_some() {
                "store.credentials_file"
            } else {
                "store.credential_process"
            };
            let both = if process.is_some() && file.is_some() {
                "another source of keys is"
            } else {
                "a profile is"
            };
            let suggestion =
                "keep one of store.profile, store.credential_process and store.credentials_file";
            reader.blame(
                &[last],
                format!("{both} set already"),
                Some(suggestion.to_owned()),
            );
            Credentials::Ambient
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_scheme_host_and_port() {
        let parse = |text: &str| text.parse::<Endpoint>();
        for good in [
            "http://127.0.0.1:9000",
            "https://s3.example.org",
            "http://[::1]:9000",
        ] {
            assert_eq!(parse(good).map(|e| e.0), Ok(good.to_owned()));
        }
        assert_eq!(
            parse("https://s3.example.org/").map(|e| e.0),
            Ok("https://s3.example.org".into())
        );
        assert_eq!(parse("ftp://host"), Err(NotAnEndpoint::BadScheme));
        assert_eq!(parse("minio:9000"), Err(NotAnEndpoint::BadScheme));
        assert_eq!(parse("http://key:secret@host"), Err(NotAnEndpoint::HasUser));
        assert_eq!(parse("http://host/bucket"), Err(NotAnEndpoint::HasPath));
        assert_eq!(parse("http://host?x=1"), Err(NotAnEndpoint::HasPath));
        assert_eq!(parse("/srv/s3"), Err(NotAnEndpoint::NotAUrl));
    }

    #[test]
    fn a_command_is_not_shown() {
        let shown = format!(
            "{:?}",
            Credentials::Process("get-keys --token hunter2".into())
        );
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}
