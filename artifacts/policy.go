package artifacts

import "context"

// SetPolicy replaces the bucket's policy, a document in the language of S3, which
// says who may do what below which prefix. Whoever calls must own the bucket;
// servers without bucket policies refuse.
func (s *Store) SetPolicy(ctx context.Context, policy string) error {
	return s.retry(ctx, "set policy of bucket", s.cfg.Bucket, func(ctx context.Context) error {
		return s.api.SetBucketPolicy(ctx, s.cfg.Bucket, policy)
	})
}
