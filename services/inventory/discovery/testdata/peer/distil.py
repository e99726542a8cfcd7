"""Distils what ansible-inventory --list printed to what configurations decide.

usage: distil.py BASE ANSWER [ID]   (BASE: the answer to a configuration without features; ID: the variable by which
machines are known, instance_id unless given)
Variables that a machine has without any configuration are left out, but of BASE itself.
"""
import json
import sys


def machines(answer):
    return answer.get("_meta", {}).get("hostvars", {})


def main():
    known = sys.argv[3] if len(sys.argv) > 3 else "instance_id"
    base = {} if sys.argv[1] == sys.argv[2] else {v[known]: v for v in machines(json.load(open(sys.argv[1]))).values()}
    try:
        answer = json.load(open(sys.argv[2]))
    except ValueError:
        print(json.dumps({"refused": True}))
        return
    out = {"hosts": {}, "groups": {}}
    for host, variables in sorted(machines(answer).items()):
        raw = base.get(variables.get(known), {})
        out["hosts"][host] = {k: v for k, v in sorted(variables.items()) if k not in raw or raw[k] != v}
    for name, group in sorted(answer.items()):
        if name in ("_meta", "all"):
            continue
        out["groups"][name] = {k: sorted(v) for k, v in sorted(group.items()) if k in ("hosts", "children")}
    named = {h for g in out["groups"].values() for h in g.get("hosts", [])}
    for host in sorted(named - set(out["hosts"])):
        out["hosts"][host] = {}
    print(json.dumps(out, indent=1, sort_keys=True, ensure_ascii=False))


main()
