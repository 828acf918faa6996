//! The resources of a stack that the commands use, from its CloudFormation outputs or from `stack.json`.

use anyhow::{anyhow, bail};
use aws_config::SdkConfig;
use aws_sdk_cloudformation::types::Output;
use aws_sdk_sqs::error::ProvideErrorMetadata;

use super::file::StackFile;
use crate::aws::Unavailable;

#[derive(Debug, Clone)]
pub struct Resources {
    pub table: String,
    pub dead_letter_queue_url: String,
    /// Stacks deployed before there was a spill queue have none.
    pub spill_queue_url: Option<String>,
    pub fanout_function: String,
}

impl Resources {
    /// Looks up the outputs of the CloudFormation stack `name`.
    pub(crate) async fn of_stack(sdk: &SdkConfig, name: &str) -> anyhow::Result<Self> {
        let describe = aws_sdk_cloudformation::Client::new(sdk).describe_stacks().stack_name(name).send().await;
        let described = match describe {
            Err(error) if error.code() == Some("ValidationError") => {
                bail!("there is no stack {name} in this account and region: name it with --stack");
            }
            described => described.map_err(Unavailable::new("cannot look up the stack"))?,
        };
        Self::of_outputs(name, described.stacks().first().map(|stack| stack.outputs()).unwrap_or_default())
    }

    fn of_outputs(name: &str, outputs: &[Output]) -> anyhow::Result<Self> {
        let optional = |key: &str| {
            let output = outputs.iter().find(|output| output.output_key() == Some(key));
            output.and_then(|output| output.output_value()).map(str::to_owned)
        };
        let required = |key: &str| {
            optional(key).ok_or_else(|| {
                anyhow!("the stack {name} has no output {key}: name a stack of infra/template.yaml with --stack")
            })
        };
        Ok(Self {
            table: required("TableName")?,
            dead_letter_queue_url: required("DeadLetterQueueUrl")?,
            spill_queue_url: optional("SpillQueueUrl"),
            fanout_function: required("FanoutFunction")?,
        })
    }
}

impl From<StackFile> for Resources {
    fn from(file: StackFile) -> Self {
        Self {
            table: file.table,
            dead_letter_queue_url: file.dead_letter_queue_url,
            spill_queue_url: Some(file.spill_queue_url),
            fanout_function: file.fanout_function,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn output(key: &str) -> Output {
        Output::builder().output_key(key).output_value(key.to_lowercase()).build()
    }

    #[test]
    fn stack_may_lack_a_spill_queue_and_no_other_output() {
        let outputs = ["TableName", "DeadLetterQueueUrl", "FanoutFunction"].map(output);
        let resources = Resources::of_outputs("wab", &outputs).unwrap();
        assert_eq!((&*resources.table, resources.spill_queue_url), ("tablename", None));
        for missing in 0..outputs.len() {
            let mut outputs = outputs.to_vec();
            outputs.remove(missing);
            assert!(Resources::of_outputs("wab", &outputs).is_err());
        }
    }
}
