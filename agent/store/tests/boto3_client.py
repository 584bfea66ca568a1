"""What boto3 does with the embedded store. Arguments: endpoint, access key, secret key, bucket."""

import io
import sys
import urllib.request

import boto3
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import ClientError

endpoint, access, secret, bucket = sys.argv[1:]
s3 = boto3.client(
    "s3",
    endpoint_url=endpoint,
    aws_access_key_id=access,
    aws_secret_access_key=secret,
    region_name="us-west-1",
    config=Config(signature_version="s3v4", s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}),
)


def refused(code, call, **arguments):
    try:
        call(Bucket=bucket, **arguments)
    except ClientError as error:
        assert error.response["Error"]["Code"] == code, error
    else:
        raise AssertionError(f"not refused with {code}")


# Put and get, with a key that every encoding must survive.
key = "2024/August/a b+ü%.jpg"
put = s3.put_object(Bucket=bucket, Key=key, Body=b"river", Metadata={"site": "1"}, ContentType="image/jpeg")
got = s3.get_object(Bucket=bucket, Key=key)
assert got["Body"].read() == b"river"
assert (got["Metadata"], got["ContentType"], got["ETag"]) == ({"site": "1"}, "image/jpeg", put["ETag"])
head = s3.head_object(Bucket=bucket, Key=key, ChecksumMode="ENABLED")
assert head["ChecksumCRC32"] == put["ChecksumCRC32"]
for algorithm in ("SHA1", "SHA256", "CRC32"):
    put = s3.put_object(Bucket=bucket, Key=key, Body=b"river", ChecksumAlgorithm=algorithm)
    head = s3.head_object(Bucket=bucket, Key=key, ChecksumMode="ENABLED")
    assert head["Checksum" + algorithm] == put["Checksum" + algorithm]
    # A stream goes as aws-chunked with a trailing checksum where it can.
    s3.upload_fileobj(io.BytesIO(b"stream"), bucket, key, ExtraArgs={"ChecksumAlgorithm": algorithm})
    assert s3.get_object(Bucket=bucket, Key=key)["Body"].read() == b"stream"
refused("BadDigest", s3.put_object, Key="false", Body=b"river", ChecksumSHA256="A" * 43 + "=")
refused("NoSuchKey", s3.get_object, Key="false")

# Conditional writes.
first = s3.put_object(Bucket=bucket, Key="slot", Body=b"1", IfNoneMatch="*")
refused("PreconditionFailed", s3.put_object, Key="slot", Body=b"2", IfNoneMatch="*")
second = s3.put_object(Bucket=bucket, Key="slot", Body=b"2", IfMatch=first["ETag"])
refused("PreconditionFailed", s3.delete_object, Key="slot", IfMatch=first["ETag"])
assert second["ETag"] != first["ETag"]

# Multipart, above a threshold of 5 MiB, and back in ranges.
large = bytes(range(256)) * 48_000
parts = TransferConfig(multipart_threshold=5 << 20, multipart_chunksize=5 << 20, max_concurrency=4)
s3.upload_fileobj(io.BytesIO(large), bucket, "large.bin", Config=parts)
back = io.BytesIO()
s3.download_fileobj(bucket, "large.bin", back, Config=parts)
assert back.getvalue() == large
assert s3.head_object(Bucket=bucket, Key="large.bin")["ETag"].endswith('-3"')

# Presigned URLs.
url = s3.generate_presigned_url("put_object", Params={"Bucket": bucket, "Key": "presigned"}, ExpiresIn=60)
with urllib.request.urlopen(urllib.request.Request(url, data=b"by url", method="PUT")) as answer:
    assert answer.status == 200
url = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "presigned"}, ExpiresIn=60)
with urllib.request.urlopen(url) as answer:
    assert answer.read() == b"by url"

# Paginators, and deleting many at once.
many = [f"many/{number:03} &<é" for number in range(25)]
for name in many:
    s3.put_object(Bucket=bucket, Key=name, Body=b"x")
for paginator in ("list_objects_v2", "list_objects"):
    pages = s3.get_paginator(paginator).paginate(Bucket=bucket, Prefix="many/", PaginationConfig={"PageSize": 7})
    assert [item["Key"] for page in pages for item in page["Contents"]] == many
    pages = s3.get_paginator(paginator).paginate(Bucket=bucket, Delimiter="/", PaginationConfig={"PageSize": 2})
    prefixes = [prefix["Prefix"] for page in pages for prefix in page.get("CommonPrefixes", [])]
    assert prefixes == ["2024/", "many/"], prefixes
done = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": name} for name in [*many, key]]})
assert len(done["Deleted"]) == 26 and "Errors" not in done
