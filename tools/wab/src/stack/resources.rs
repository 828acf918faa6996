//! The resources of a stack that the commands use, from its CloudFormation outputs or from `stack.json`.

use anyhow::{anyhow, bail};
use aws_config::SdkConfig;
use aws_sdk_cloudformation::types::Output;
use aws_sdk_sqs::error::ProvideErrorMetadata;

use super::file::StackFile;
use crate::aws::Unavailable;

#[derive(Clone, Default)]
pub struct Resources {
    /// The name of the CloudFormation stack, which is also the namespace of its metrics.
    pub stack_name: String,
    pub table: String,
    pub bucket: String,
    pub mo_topic_arn: String,
    pub dlr_topic_arn: String,
    /// Empty unless the stack was deployed with `FifoTopics`.
    pub fifo_topic_arns: Vec<String>,
    pub dead_letter_queue_url: String,
    /// Stacks deployed before there was a spill queue have none.
    pub spill_queue_url: Option<String>,
    pub mo_function: String,
    pub dlr_function: String,
    pub fanout_function: String,
    pub recover_function: Option<String>,
    /// The callback URLs, without credentials.
    pub mo_url: String,
    pub dlr_url: String,
    pub api_id: String,
    /// The version of the template. Stacks deployed before it was an output have none.
    pub version: Option<String>,
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
            stack_name: name.to_owned(),
            table: required("TableName")?,
            bucket: required("BucketName")?,
            mo_topic_arn: required("MoTopicArn")?,
            dlr_topic_arn: required("DlrTopicArn")?,
            fifo_topic_arns: ["MoFifoTopicArn", "DlrFifoTopicArn"].into_iter().filter_map(optional).collect(),
            dead_letter_queue_url: required("DeadLetterQueueUrl")?,
            spill_queue_url: optional("SpillQueueUrl"),
            mo_function: required("MoFunction")?,
            dlr_function: required("DlrFunction")?,
            fanout_function: required("FanoutFunction")?,
            recover_function: optional("RecoverFunction"),
            mo_url: required("MoUrl")?,
            dlr_url: required("DlrUrl")?,
            api_id: required("ApiId")?,
            version: optional("Version"),
        })
    }
}

impl From<StackFile> for Resources {
    fn from(file: StackFile) -> Self {
        Self {
            stack_name: file.stack_name,
            table: file.table,
            bucket: file.bucket,
            mo_topic_arn: file.mo_topic_arn,
            dlr_topic_arn: file.dlr_topic_arn,
            fifo_topic_arns: file.fifo_topic_arns,
            dead_letter_queue_url: file.dead_letter_queue_url,
            spill_queue_url: Some(file.spill_queue_url),
            mo_function: file.mo_function,
            dlr_function: file.dlr_function,
            fanout_function: file.fanout_function,
            recover_function: Some(file.recover_function),
            mo_url: file.mo_url,
            dlr_url: file.dlr_url,
            api_id: file.api_id,
            version: file.version,
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
    fn older_stacks_lack_some_outputs() {
        let required = [
            "TableName",
            "BucketName",
            "MoTopicArn",
            "DlrTopicArn",
            "DeadLetterQueueUrl",
            "MoFunction",
            "DlrFunction",
            "FanoutFunction",
            "MoUrl",
            "DlrUrl",
            "ApiId",
        ];
        let outputs = required.map(output);
        let resources = Resources::of_outputs("wab", &outputs).unwrap();
        assert_eq!((&*resources.table, resources.spill_queue_url, resources.version), ("tablename", None, None));
        for missing in 0..outputs.len() {
            let mut outputs = outputs.to_vec();
            outputs.remove(missing);
            assert!(Resources::of_outputs("wab", &outputs).is_err());
        }
    }
}
