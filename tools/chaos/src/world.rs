//! What the faults act on: the stack, its processes, the proxies in front of its services, and the gateway.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::Context;
use wab_marked::Search;

use crate::gateway::Gateway;
use crate::processes::Emulator;
use crate::proxy::Proxy;
use crate::service::Service;
use crate::stack::Stack;

pub(crate) struct World {
    pub(crate) stack: Stack,
    pub(crate) emulator: Emulator,
    pub(crate) proxies: BTreeMap<Service, Proxy>,
    pub(crate) gateway: Arc<Gateway>,
    /// Finds what the load sends, and the passwords.
    pub(crate) search: Search,
}

impl World {
    pub(crate) fn proxy(&self, service: Service) -> anyhow::Result<&Proxy> {
        self.proxies.get(&service).context("every service has its proxy")
    }
}
