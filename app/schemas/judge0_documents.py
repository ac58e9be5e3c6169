"""Judge0's answers as OpenAPI tells of them. They are made by `judge0.py`; a test compares the two."""

from marshmallow import INCLUDE, Schema, fields

_TEXT = {"description": "Null where it is empty; base64 where that was asked for."}


class Judge0Status(Schema):
    """How it ended, or where it is."""

    id = fields.Integer(required=True)
    description = fields.String(required=True)


class Judge0Language(Schema):
    """A language; `is_archived` where no worker has it."""

    id = fields.Integer(required=True)
    name = fields.String(required=True)
    is_archived = fields.Boolean()


class Judge0SubmissionAnswer(Schema):
    """A submission, with those of its fields that were asked for; limits are among them."""

    class Meta:
        unknown = INCLUDE

    token = fields.String()
    stdout = fields.String(allow_none=True, metadata=_TEXT)
    stderr = fields.String(allow_none=True, metadata=_TEXT)
    compile_output = fields.String(allow_none=True, metadata=_TEXT)
    message = fields.String(allow_none=True, metadata=_TEXT)
    status = fields.Nested(Judge0Status)
    status_id = fields.Integer()
    time = fields.String(allow_none=True, metadata={"description": "CPU time in seconds."})
    wall_time = fields.String(allow_none=True)
    memory = fields.Integer(allow_none=True, metadata={"description": "In kilobytes."})
    exit_code = fields.Integer(allow_none=True)
    exit_signal = fields.Integer(allow_none=True)
    created_at = fields.DateTime()
    finished_at = fields.DateTime(allow_none=True)
    language = fields.Dict()
    language_id = fields.Integer(allow_none=True)
    error = fields.String(metadata={"description": "With `wait`: why there is no more than the token."})


class Judge0SubmissionsAnswer(Schema):
    """Those that were asked for, in that order; null where there is none of this token."""

    submissions = fields.List(fields.Nested(Judge0SubmissionAnswer, allow_none=True), required=True)


class Judge0Error(Schema):
    """What is wrong: a list for every bad field, or `error`."""

    class Meta:
        unknown = INCLUDE

    error = fields.Raw(metadata={"description": "Text; an object where it is the path that is wrong."})


ANY_OBJECT = {"type": "object", "additionalProperties": True}
TOKENS = {"type": "array", "items": ANY_OBJECT}
"""A token for each submission, or what is wrong with it."""
