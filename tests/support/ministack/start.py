"""Starts MiniStack with one rule of AWS that it lacks: a batch call is authorised as the call for a single message."""

from ministack.core import iam_actions

SINGLE = {
    "sqs:SendMessageBatch": "sqs:SendMessage",
    "sqs:DeleteMessageBatch": "sqs:DeleteMessage",
    "sqs:ChangeMessageVisibilityBatch": "sqs:ChangeMessageVisibility",
}

extract = iam_actions.extract_iam_action


def extract_as_aws_does(*request):
    action = extract(*request)
    return SINGLE.get(action, action)


iam_actions.extract_iam_action = extract_as_aws_does

from ministack.app import main  # noqa: E402 - it takes the function by its name when it is called

main()
