//! `[relay]` and `[redirect]`.

use serde::Deserialize;
use toml::Spanned;

use super::file::Wrong;
use crate::avp::DiameterUri;
use crate::avp::dictionary::{Declared, RedirectHostUsage};
use crate::peer::redirect::RedirectRow;

/// `[relay]`: the node relays what others ask, by Destination-Host, by the `[[route]]` sections, and by what its peers
/// say of themselves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RelayConfig {
    /// Adds Proxy-Info to what it forwards, and takes it out of the answers.
    #[serde(default)]
    pub proxy_info: bool,
}

/// `[redirect]`: the node answers every request with where it should have gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedirectConfig {
    /// The `[[redirect.route]]` sections.
    pub rows: Vec<RedirectRow>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RedirectSection {
    route: Vec<RedirectRoute>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RedirectRoute {
    realm: String,
    application: Option<u32>,
    hosts: Vec<Spanned<String>>,
    usage: Option<Spanned<String>>,
    cache_time: Option<u32>,
}

impl RedirectSection {
    pub(super) fn judge(self) -> Result<RedirectConfig, Wrong> {
        let rows = self.route.into_iter().map(RedirectRoute::judge).collect::<Result<Vec<_>, _>>()?;
        Ok(RedirectConfig { rows })
    }
}

impl RedirectRoute {
    fn judge(self) -> Result<RedirectRow, Wrong> {
        let hosts = self.hosts.iter().map(|text| {
            let uri: Result<DiameterUri, String> = text.get_ref().parse();
            uri.map_err(|words| (Some(text.span()), words))
        });
        let hosts = hosts.collect::<Result<Vec<_>, _>>()?;
        if hosts.is_empty() {
            return Err((None, format!("the redirect for realm {} has no hosts", self.realm)));
        }
        let usage = match &self.usage {
            None => RedirectHostUsage::DONT_CACHE,
            Some(text) => {
                let name = text.get_ref().to_ascii_uppercase().replace('-', "_");
                let of = |number: i32| RedirectHostUsage::DEFINITION.value_name(number.into());
                (0..=6).find(|number| of(*number) == Some(&*name)).ok_or_else(|| {
                    let known = (0..=6).filter_map(of).collect::<Vec<_>>().join(", ");
                    (Some(text.span()), format!("\"{}\" is no usage, expected one of {known}", text.get_ref()))
                })?
            }
        };
        let cache_time = match (usage, self.cache_time) {
            (RedirectHostUsage::DONT_CACHE, _) => 0,
            (_, Some(seconds)) => seconds,
            (_, None) => {
                let span = self.usage.map(|text| text.span());
                return Err((span, "a usage other than DONT_CACHE needs cache_time = SECONDS".to_owned()));
            }
        };
        Ok(RedirectRow { realm: self.realm, application: self.application, hosts, usage, cache_time })
    }
}
