"""Runs Ansible's own gcp_compute and azure_rm plugins on a fleet that is written here; only the clouds' HTTP answers
are replaced.

usage: clouds.py gcp|azure fleet > FLEET.json        what gcloud and az print of it
       clouds.py gcp|azure CONFIGURATION > ANSWER    what ansible-inventory --list prints
"""
import json
import re
import sys

GOOGLE = "https://www.googleapis.com/compute/v1/projects/lab-1"


def google(number, name, zone, labels=None, status="RUNNING", public=None, items=(), metadata=None, hostname=None, kind="n2-standard-4"):
    region = zone.rsplit("-", 1)[0]
    interface = {"name": "nic0", "networkIP": f"10.132.0.{number}", "network": GOOGLE + "/global/networks/default",
                 "subnetwork": f"{GOOGLE}/regions/{region}/subnetworks/default", "stackType": "IPV4_ONLY"}
    if public is not None:
        interface["accessConfigs"] = [dict({"name": "External NAT", "type": "ONE_TO_ONE_NAT"}, **({"natIP": public} if public else {}))]
    machine = {"id": f"45678901234567890{number:02}", "name": name, "status": status, "selfLink": f"{GOOGLE}/zones/{zone}/instances/{name}",
               "zone": f"{GOOGLE}/zones/{zone}", "machineType": f"{GOOGLE}/zones/{zone}/machineTypes/{kind}",
               "creationTimestamp": "2024-03-01T04:05:06.789-08:00", "networkInterfaces": [interface],
               "scheduling": {"automaticRestart": number % 2 == 1, "onHostMaintenance": "MIGRATE", "preemptible": False},
               "disks": [{"boot": True, "deviceName": name, "source": f"{GOOGLE}/zones/{zone}/disks/{name}"}],
               "tags": {"fingerprint": "x=", **({"items": list(items)} if items else {})}, "metadata": {"fingerprint": "y="}}
    if labels is not None:
        machine["labels"] = labels
    if metadata:
        machine["metadata"]["items"] = [{"key": k, "value": v} for k, v in metadata.items()]
    if hostname:
        machine["hostname"] = hostname
    return machine


GOOGLES = [
    google(1, "web-a", "europe-west1-b", {"env": "prod", "role": "web", "vm_name": "first"}, public="203.0.113.1", items=["http-server", "https"]),
    google(2, "web-b", "europe-west1-c", {"env": "stage", "role": "web"}, public="203.0.113.2", items=["http-server"], metadata={"owner": "ops", "n": "2"}),
    google(3, "db-1", "europe-west1-b", {"env": "prod", "role": "db", "ansible_group": "db"}, hostname="db.example.com", kind="c3-highmem-8"),
    google(4, "controller-0", "us-central1-a", {"env": ""}, public=""),
    google(5, "bare", "us-central1-a"),
    google(6, "stopped", "us-central1-a", {"env": "stage"}, status="TERMINATED"),
]


def run_gcp(config):
    from ansible_collections.google.cloud.plugins.module_utils import gcp_utils

    class Answer:
        status_code = 200

        def __init__(self, body):
            self.body = body

        def raise_for_status(self):
            pass

        def json(self):
            return self.body

    class Session:
        def __init__(self, *_):
            pass

        def get(self, url, params=None, **_):
            project = re.search(r"projects/([^/]+)/", url).group(1)
            chosen = [m for m in GOOGLES if "/projects/%s/" % project in m["selfLink"] and admits((params or {}).get("filter"), m)]
            zones = {}
            for m in chosen:
                zones.setdefault("zones/" + m["zone"].rsplit("/", 1)[1], {"instances": []})["instances"].append(m)
            return Answer(json.loads(json.dumps({"items": zones or {"zones/none": {}}})))

    gcp_utils.GcpSession = Session
    listed(config)


def admits(query, machine):
    """The few shapes of Google's filters that the configurations here have: comparisons by = and !=, all of which hold."""
    for field, operator, value in re.findall(r"([\w.-]+)\s*(!?=)\s*\"?([\w.*-]+)\"?", query or ""):
        have = machine
        for part in field.split("."):
            have = have.get(part) if isinstance(have, dict) else None
        same = str(have).lower() == value.lower() if not isinstance(have, list) else value in have
        if same != (operator == "="):
            return False
    return True


AZURE = "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/"


def azure(number, group, name, tags=None, state="running", public=None, fqdn=None, system="Linux", zones=None, provisioned="Succeeded", nics=1, data=0):
    vm = f"{AZURE}{group}/providers/Microsoft.Compute/virtualMachines/{name}"
    network = f"{AZURE}{group}/providers/Microsoft.Network"
    profile = {"computerName": name, "adminUsername": "azureuser", ("linux" if system == "Linux" else "windows") + "Configuration": {}}
    offer = ("Canonical", "0001-com-ubuntu-server-jammy") if system == "Linux" else ("MicrosoftWindowsServer", "WindowsServer")
    model = {"id": vm, "name": name, "type": "Microsoft.Compute/virtualMachines", "location": "westeurope",
             "properties": {
                 "vmId": f"aaaaaaaa-0000-0000-0000-{number:012}", "hardwareProfile": {"vmSize": "Standard_L8s_v3"}, "provisioningState": provisioned,
                 "osProfile": profile,
                 "storageProfile": {
                     "imageReference": {"publisher": offer[0], "offer": offer[1], "sku": "22_04-lts", "version": "latest"},
                     "osDisk": {"name": name + "-os", "osType": system, "managedDisk": {"id": f"{AZURE}{group}/disks/{name}-os"}},
                     "dataDisks": [{"name": f"{name}-{n}", "lun": n, "managedDisk": {"id": f"{AZURE}{group}/disks/{name}-{n}"}} for n in range(data)]},
                 "networkProfile": {"networkInterfaces": [{"id": f"{network}/networkInterfaces/{name}-{n}", "properties": {"primary": n == 0}} for n in range(nics)]}}}
    if tags is not None:
        model["tags"] = tags
    if zones:
        model["zones"] = zones
    answers = {vm + "/instanceView": {"statuses": [{"code": "ProvisioningState/succeeded"}, {"code": "PowerState/" + state}]}}
    for n in range(nics):
        ip = {"properties": {"primary": True, "privateIPAddress": f"10.{n + 1}.0.{number}"}}
        if public and n == 0:
            ip["properties"]["publicIPAddress"] = {"id": f"{network}/publicIPAddresses/{name}"}
            answers[ip["properties"]["publicIPAddress"]["id"]] = {
                "id": ip["properties"]["publicIPAddress"]["id"], "name": name,
                "properties": dict({"ipAddress": public}, **({"dnsSettings": {"fqdn": fqdn}} if fqdn else {}))}
        nic = f"{network}/networkInterfaces/{name}-{n}"
        answers[nic] = {"id": nic, "name": f"{name}-{n}", "properties": {"macAddress": f"00-0D-3A-00-{n:02}-{number:02}", "ipConfigurations": [ip]}}
    shown = {"id": vm, "name": name, "type": model["type"], "location": model["location"], "resourceGroup": group, "zones": zones, "tags": tags, "plan": None,
             "powerState": "VM " + state, "publicIps": public or "", "privateIps": ",".join(f"10.{n + 1}.0.{number}" for n in range(nics)), "fqdns": fqdn or "",
             "macAddresses": ",".join(f"00-0D-3A-00-{n:02}-{number:02}" for n in range(nics)),
             **{k: v for k, v in model["properties"].items()}}
    return model, answers, shown


AZURES = [
    azure(4, "LAB", "web-a", {"role": "web", "env": "prod", "OS": "linux"}, public="198.51.100.4", fqdn="web-a.westeurope.cloudapp.azure.com", zones=["2"], data=2),
    azure(5, "LAB", "db-a", {"role": "db", "env": "dev"}, nics=2),
    azure(6, "lab-2", "web-a", {"role": "web"}, public="198.51.100.6"),
    azure(7, "lab-2", "dc", {"kind": "domain_controller"}, system="Windows"),
    azure(8, "LAB", "off", {"role": "web"}, state="deallocated"),
    azure(9, "LAB", "bare"),
    azure(10, "LAB", "coming", {"role": "web"}, provisioned="Updating"),
]


def run_azure(config):
    from ansible.plugins.loader import inventory_loader
    from ansible_collections.azure.azcollection.plugins.module_utils import azure_rm_common

    class Auth:
        subscription_id = "11111111-2222-3333-4444-555555555555"
        azure_credentials = object()

        class _cloud_environment:
            class endpoints:
                resource_manager = "https://management.azure.com"

        def __init__(self, **_):
            pass

    azure_rm_common.AzureRMAuth = Auth
    plugin = type(inventory_loader.get("azure.azcollection.azure_rm"))
    sys.modules[plugin.__module__].AzureRMAuth = Auth
    sys.modules[plugin.__module__].ServiceClient = lambda *_: None
    answers = {}
    for _, more, _ in AZURES:
        answers.update(more)

    def send(_, url, *__):
        if url in answers:
            return answers[url]
        group = re.search(r"resourceGroups/([^/]+)/", url)
        if url.endswith("/virtualMachines"):
            return {"value": [m for m, _, _ in AZURES if not group or ("/resourcegroups/%s/" % group.group(1)).lower() in m["id"].lower()]}
        return {"value": []}

    plugin.send_request = send
    plugin._process_queue_batch = plugin._process_queue_serial
    listed(config)


def listed(config):
    from ansible.cli.inventory import main
    sys.argv = ["ansible-inventory", "-i", config, "--list"]
    main()


def main():
    cloud, what = sys.argv[1:]
    if what == "fleet":
        machines = GOOGLES if cloud == "gcp" else [shown for _, _, shown in AZURES]
        json.dump(machines, sys.stdout, indent=1, sort_keys=True)
        print()
        return
    import ansible.plugins.loader  # noqa: F401  the collections can be imported only after it
    (run_gcp if cloud == "gcp" else run_azure)(what)


main()
