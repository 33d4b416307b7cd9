from google.protobuf.message import Message

class StatusProto(Message):
    error_code: int
    error_message: str
