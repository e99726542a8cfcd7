package creds

import "fmt"

// policy is a document of rights as S3 and its likes take it.
type policy struct {
	Version   string
	Statement []statement
}

type statement struct {
	Effect    string
	Principal map[string][]string `json:",omitempty"`
	Action    []string
	Resource  []string
}

const policyVersion = "2012-10-17"

// statements are a party's rights in the bucket. What is written once must stay:
// nobody but who is told to may remove. They name no principal, as policies of a
// user's own do not.
func statements(p Party, bucket string) []statement {
	const arn = "arn:aws:s3:::"
	all := arn + bucket + "/*"
	allow := func(actions, resources []string) statement {
		return statement{Effect: "Allow", Action: actions, Resource: resources}
	}
	if p.All {
		return []statement{allow([]string{"s3:*"}, []string{arn + bucket, all})}
	}
	list := []statement{
		allow([]string{"s3:ListBucket", "s3:GetBucketLocation"}, []string{arn + bucket}),
		allow([]string{"s3:GetObject"}, []string{all}),
	}
	below := func(prefixes []string) (resources []string) {
		for _, prefix := range prefixes {
			resources = append(resources, arn+bucket+"/"+prefix+"*")
		}
		return resources
	}
	if len(p.Write) > 0 {
		list = append(list, allow([]string{"s3:PutObject", "s3:AbortMultipartUpload"}, below(p.Write)))
	}
	if len(p.Delete) > 0 {
		list = append(list, allow([]string{"s3:DeleteObject"}, below(p.Delete)))
	}
	return list
}

// bucketPolicy is everybody's rights in one document, for servers that know
// users by their access keys. Those who may the same share a statement: Amazon
// takes 20 KB, and versitygw keeps a policy in an extended attribute, of which
// ext4 holds less than 4 KB.
func bucketPolicy(parties []Party, bucket string) policy {
	all := policy{Version: policyVersion}
	known := map[string]int{} // index of the statement by what it allows
	for _, p := range parties {
		if !p.Store || p.All {
			continue
		}
		for _, s := range statements(p, bucket) {
			what := fmt.Sprint(s.Action, s.Resource)
			at, ok := known[what]
			if !ok {
				at = len(all.Statement)
				known[what] = at
				s.Principal = map[string][]string{}
				all.Statement = append(all.Statement, s)
			}
			who := all.Statement[at].Principal
			who["AWS"] = append(who["AWS"], p.Keys.AccessKey)
		}
	}
	return all
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
