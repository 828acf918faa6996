//! What several checks need to know, read once.

use jiff::Timestamp;

use crate::health::Commands;
use crate::stack::{CloudFormation, Configuration, Description, Functions, Resource, Stack};

/// A function's part in the stack, and its name.
pub(crate) type Role<'a> = (&'static str, &'a str);

pub(crate) struct Facts<'a> {
    pub(crate) stack: &'a Stack,
    pub(crate) now: Timestamp,
    pub(crate) commands: Commands,
    pub(crate) functions: Functions,
    pub(crate) roles: Vec<Role<'a>>,
    /// Of each role: None if there is no such function.
    pub(crate) configurations: Vec<anyhow::Result<Option<Configuration>>>,
    pub(crate) description: anyhow::Result<Description>,
    pub(crate) resources: anyhow::Result<Vec<Resource>>,
}

impl<'a> Facts<'a> {
    pub(crate) async fn read(stack: &'a Stack, now: Timestamp) -> Self {
        let resources = &stack.resources;
        let functions = Functions::new(&stack.sdk);
        let cloudformation = CloudFormation::new(&stack.sdk, &resources.stack_name);
        let mut roles: Vec<Role<'a>> = vec![
            ("mo", &resources.mo_function),
            ("dlr", &resources.dlr_function),
            ("fanout", &resources.fanout_function),
        ];
        roles.extend(resources.recover_function.as_deref().map(|name| ("recover", name)));
        let configurations =
            futures_util::future::join_all(roles.iter().map(|(_, name)| functions.configuration(name)));
        let (description, listed, configurations) =
            tokio::join!(cloudformation.description(), cloudformation.resources(), configurations);
        Self {
            stack,
            now,
            commands: Commands::new(stack),
            roles,
            configurations: configurations.into_iter().map(|read| Ok(read?)).collect(),
            functions,
            description,
            resources: listed.map_err(Into::into),
        }
    }

    /// A function's configuration, unless it is missing or couldn't be read.
    pub(crate) fn configuration(&self, role: &str) -> Option<&Configuration> {
        let position = self.roles.iter().position(|(name, _)| *name == role)?;
        self.configurations.get(position)?.as_ref().ok()?.as_ref()
    }

    /// The value of one of the stack's parameters, unless it is empty.
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        self.description.as_ref().ok()?.parameter(name)
    }
}
