// Package source reads machines from documents: what the command-line tools of
// clouds print as JSON, and static YAML. It also asks Docker engines.
//
//	aws ec2 describe-instances --output json
//	gcloud compute instances list --format=json
//	az vm list -d -o json
//
// Documents come from pipes and from strangers: nothing in them is believed
// further than that it becomes a string, and what isn't there is empty.
package source
