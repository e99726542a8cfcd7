package artifacts

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Rights are what one user may do in a bucket: prefixes, each ending in a slash.
// Every user may list all names, because without that right S3 answers that access
// is denied where an object is merely not there. The zero value may nothing else.
type Rights struct {
	// Read lists where objects may be read; [Everywhere] is the whole bucket.
	Read []string
	// Write lists where new objects may be put.
	Write []string
	// Replace lists where a version that is named may be replaced as well (If-Match):
	// prefixes, or keys. Each lies below one of Write. S3 has no such distinction: there
	// whoever may put may replace, unless the bucket's policy demands a condition.
	Replace []string
	// Delete lists where objects may be removed.
	Delete []string
}

// Everywhere is the prefix of all keys.
const Everywhere = ""

// Validate reports what is no prefix, or contradicts another right.
func (r Rights) Validate() error {
	var errs []error
	for _, p := range slices.Concat(r.Write, r.Delete, slices.DeleteFunc(slices.Clone(r.Read), func(p string) bool { return p == Everywhere })) {
		if !strings.HasSuffix(p, "/") || strings.ContainsAny(p, "*?$\\") {
			errs = append(errs, fmt.Errorf("prefix %q must end in / and hold no wildcard", p))
		}
	}
	for _, p := range r.Replace {
		if !below(p, r.Write) {
			errs = append(errs, fmt.Errorf("%q may be replaced and not be written", p))
		}
	}
	return errors.Join(errs...)
}

// MayRead reports whether the object under the key may be read.
func (r Rights) MayRead(key string) bool { return below(key, r.Read) }

// MayWrite reports whether a new object may be put under the key.
func (r Rights) MayWrite(key string) bool { return below(key, r.Write) }

// MayReplace reports whether a named version under the key may be replaced.
func (r Rights) MayReplace(key string) bool { return below(key, r.Replace) }

// MayDelete reports whether the object under the key may be removed.
func (r Rights) MayDelete(key string) bool { return below(key, r.Delete) }

func below(key string, prefixes []string) bool {
	return slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(key, p) })
}

// Statement is one sentence of a policy of S3.
type Statement struct {
	Effect    string
	Principal map[string][]string `json:",omitempty"`
	Action    []string
	Resource  []string
}

// PolicyVersion is the version of the language of policies.
const PolicyVersion = "2012-10-17"

// Statements words the rights in the language of S3, without principals: as the
// policy of a user's own.
func (r Rights) Statements(bucket string) []Statement {
	const arn = "arn:aws:s3:::"
	list := []Statement{{Effect: "Allow", Action: []string{"s3:ListBucket", "s3:GetBucketLocation"}, Resource: []string{arn + bucket}}}
	for _, right := range []struct {
		action   string
		prefixes []string
	}{{"s3:GetObject", r.Read}, {"s3:PutObject", r.Write}, {"s3:DeleteObject", r.Delete}} {
		if len(right.prefixes) == 0 {
			continue
		}
		var resources []string
		for _, p := range right.prefixes {
			resources = append(resources, arn+bucket+"/"+p+"*")
		}
		list = append(list, Statement{Effect: "Allow", Action: []string{right.action}, Resource: resources})
	}
	return list
}
