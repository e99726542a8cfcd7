"""Starts the fleet that the plugin and fiord are compared on, at a moto server.

usage: fleet.py ENDPOINT > fleet.json
Ids come from a seed, so that the same moto makes the same fleet.
"""
import json
import sys
import urllib.request

import boto3

ENDPOINT = sys.argv[1]
urllib.request.urlopen(urllib.request.Request(ENDPOINT + "/moto-api/seed?a=42", method="POST"))


def client(region):
    return boto3.client("ec2", region_name=region, endpoint_url=ENDPOINT,
                        aws_access_key_id="test", aws_secret_access_key="test")


def tags(**kwargs):
    return [{"Key": k, "Value": v} for k, v in kwargs.items()]


def launch(ec2, tag_list, **kwargs):
    options = {"ImageId": "ami-1e749f67", "InstanceType": "t3.micro", "MinCount": 1, "MaxCount": 1}
    options.update(kwargs)
    if tag_list:
        options["TagSpecifications"] = [{"ResourceType": "instance", "Tags": tag_list}]
    return ec2.run_instances(**options)["Instances"][0]["InstanceId"]


east = client("us-east-1")
east.create_key_pair(KeyName="lab")
groups = [east.create_security_group(GroupName=name, Description=name)["GroupId"] for name in ("web-sg", "ssh only")]
launch(east, tags(Name="web", Role="web", Env="prod", Owner="ops"), KeyName="lab", SecurityGroupIds=groups, InstanceType="m5.large")
launch(east, tags(Name="web", Role="web", Env="dev", Etcd="true"), KeyName="lab", SecurityGroupIds=groups[:1])
launch(east, tags(Name="db-1.example", Role="db", Env="prod", Empty=""), InstanceType="r5.2xlarge", EbsOptimized=True)
launch(east, tags(Name="db 2 (old)", Role="db,worker", Env="dev", num="0010", yes="yes"))
launch(east, tags(Name="nokey", Hostname="nk-1", Env="prod"))
launch(east, tags(Name="PG-SQL-master", Role="worker", num="42", floating="1.10"), InstanceType="c5.xlarge")
launch(east, tags(Name="win-1", Role="worker", Env="QA"), ImageId="ami-12c6146b", Monitoring={"Enabled": True})
launch(east, tags(Name="Größe", Role="v6", **{"Weird: key=1": "a:b", "kubernetes.io/cluster/prod": "owned"}))
launch(east, tags(Name="jinja", jin="{{ 7 * 7 }}", Role="{% raw %}", Env="prod"))
launch(east, [], InstanceMarketOptions={"MarketType": "spot"})
launch(east, tags(Role="web", ansible_user="deploy", list="[1, 2]", boolean="True"))
east.stop_instances(InstanceIds=[launch(east, tags(Name="stopped-1", Role="web", Env="dev"))])
east.terminate_instances(InstanceIds=[launch(east, tags(Name="gone-1", Role="web", Env="dev"))])
west = client("us-west-2")
launch(west, tags(Name="west-web", Role="web", Env="prod"))
launch(west, tags(Name="web", Role="db", Env="dev", Owner="lab"))

out = {"Reservations": []}
for region in ("us-east-1", "us-west-2"):
    out["Reservations"] += client(region).describe_instances()["Reservations"]
json.dump(out, sys.stdout, indent=0, sort_keys=True, default=lambda t: t.isoformat())
print()
