package creds

import (
	"fmt"
	"slices"

	"github.com/fiord-bench/fiord/artifacts"
)

// policy is a document of rights as S3 and its likes take it.
type policy struct {
	Version   string
	Statement []artifacts.Statement
}

// statements are a party's rights in the bucket, as the policy of a user's own.
func statements(p Party, bucket string) []artifacts.Statement {
	if p.All {
		const arn = "arn:aws:s3:::"
		return []artifacts.Statement{{Effect: "Allow", Action: []string{"s3:*"}, Resource: []string{arn + bucket, arn + bucket + "/*"}}}
	}
	return p.Rights.Statements(bucket)
}

// bucketPolicy is everybody's rights in one document, for servers that know
// users by their access keys. Those who may the same share a statement: Amazon
// takes 20 KB, and versitygw without a sidecar keeps a policy in an extended
// attribute, of which ext4 holds less than 4 KB. What a host may write is its own
// and needs a statement for each.
func bucketPolicy(parties []Party, bucket string) policy {
	all := policy{Version: artifacts.PolicyVersion}
	known := map[string]int{} // index of the statement by what it allows
	add := func(user string, s artifacts.Statement) {
		what := fmt.Sprint(s.Action, s.Resource)
		at, ok := known[what]
		if !ok {
			at = len(all.Statement)
			known[what] = at
			s.Principal = map[string][]string{}
			all.Statement = append(all.Statement, s)
		}
		who := all.Statement[at].Principal
		who["AWS"] = append(who["AWS"], user)
	}
	for _, p := range parties {
		if !p.Store || p.All {
			continue
		}
		for _, s := range shared(p, bucket) {
			add(p.Keys.AccessKey, s)
		}
	}
	return all
}

// shared are the statements of a party, cut so that others have the same and that few
// name it: what all hosts may list and read, and what is one host's own.
func shared(p Party, bucket string) []artifacts.Statement {
	common, own := artifacts.Rights{Delete: p.Rights.Delete}, artifacts.Rights{Write: p.Rights.Write}
	for _, prefix := range p.Rights.Read {
		if slices.Contains(p.Rights.Write, prefix) {
			own.Read = append(own.Read, prefix)
		} else {
			common.Read = append(common.Read, prefix)
		}
	}
	list := own.Statements(bucket)[1:]
	if len(list) == 2 && slices.Equal(list[0].Resource, list[1].Resource) {
		list[0].Action = append(list[0].Action, list[1].Action...)
		list = list[:1]
	}
	all := common.Statements(bucket)
	if len(common.Read) > 0 {
		all[0].Action, all[0].Resource = append(all[0].Action, all[1].Action...), append(all[0].Resource, all[1].Resource...)
		all = slices.Delete(all, 1, 2)
	}
	return append(all, list...)
}

// accounts are users as versitygw keeps them in its folder of identities. A user
// in the role "user" may what the bucket's policy says.
type accounts struct {
	Accounts map[string]account `json:"accessAccounts"`
}

type account struct {
	Access string `json:"access"`
	Secret string `json:"secret"`
	Role   string `json:"role"`
}

func accountsOf(parties []Party) accounts {
	all := accounts{map[string]account{}}
	for _, p := range parties {
		if p.Store && !p.All {
			all.Accounts[p.Keys.AccessKey] = account{p.Keys.AccessKey, p.Keys.SecretKey.Reveal(), "user"}
		}
	}
	return all
}
