package inventory

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/fiord-bench/fiord/artifacts"
	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/fetch"
	"github.com/fiord-bench/fiord/services/inventory/place"
)

// maxJobFile bounds a job file, in bytes. The largest that people write have
// some tens of kilobytes.
const maxJobFile = 1 << 20

// mediaJob is the media type of stored job files.
const mediaJob = "text/x-fio"

// ruleJob is the rule of problems with a job file.
const ruleJob = "job"

// resolve stores every job file of a request and returns their claim checks,
// in the request's order. A file that the author got wrong is an
// *place.Unplaced, anything else is the store's error.
func (s *Service) resolve(ctx context.Context, bench string, jobs []events.Job) ([]events.ClaimCheck, error) {
	files := make([]events.ClaimCheck, len(jobs))
	for i, job := range jobs {
		claim, err := s.resolveJob(ctx, bench, job)
		if err != nil {
			return nil, err
		}
		files[i] = claim
	}
	return files, nil
}

func (s *Service) resolveJob(ctx context.Context, bench string, job events.Job) (events.ClaimCheck, error) {
	switch {
	case job.Claim != nil:
		return *job.Claim, s.checkClaim(ctx, job)
	case job.URL != "":
		return s.download(ctx, bench, job)
	}
	return s.keep(ctx, bench, []byte(job.Inline))
}

// jobFolders are where job files lie, and where workers may read: below placements
// those that came without a file, which a second bench names again.
func jobFolders() []string {
	return []string{artifacts.PrefixJobs, artifacts.PrefixRequests, artifacts.PrefixPlacements}
}

// checkClaim reads a job file that somebody else stored: a worker must not be
// the first to find out that it isn't there.
func (s *Service) checkClaim(ctx context.Context, job events.Job) error {
	if folders := jobFolders(); !slices.ContainsFunc(folders, func(p string) bool { return strings.HasPrefix(job.Claim.Key, p) }) {
		return jobProblem(job, fmt.Errorf("its claim check names %s, want a key below one of %s", job.Claim.Key, strings.Join(folders, ", ")))
	}
	_, err := s.store.ReadAll(ctx, *job.Claim, maxJobFile)
	switch {
	case err == nil || errors.Is(err, artifacts.ErrUnavailable):
		return err
	case errors.Is(err, artifacts.ErrNotFound), errors.Is(err, artifacts.ErrCorrupt),
		errors.Is(err, artifacts.ErrInvalid), errors.Is(err, artifacts.ErrTooLarge):
		return jobProblem(job, err)
	}
	return err
}

// download fetches a job file once, now, and keeps it: every host measures the
// same bytes, whatever the address serves later. A server that doesn't answer
// is asked again, and the reaction's attempts bound how often.
func (s *Service) download(ctx context.Context, bench string, job events.Job) (events.ClaimCheck, error) {
	content, err := s.web.Get(ctx, job.URL)
	switch {
	case errors.Is(err, fetch.ErrRefused), errors.Is(err, fetch.ErrNoFile), errors.Is(err, fetch.ErrTooLarge):
		return events.ClaimCheck{}, jobProblem(job, err)
	case err != nil:
		return events.ClaimCheck{}, fmt.Errorf("fetch %s: %w", job.Name, err)
	}
	return s.keep(ctx, bench, content.Bytes)
}

// keep stores the content of a job file beside the placement. Its key follows
// from the content, so that doing it again changes nothing.
func (s *Service) keep(ctx context.Context, bench string, content []byte) (events.ClaimCheck, error) {
	sum := sha256.Sum256(content)
	key := artifacts.PrefixPlacements + bench + "/jobs/" + hex.EncodeToString(sum[:]) + ".fio"
	return s.store.Put(ctx, key, mediaJob, bytes.NewReader(content))
}

// jobProblem says that a job file can't be had as it was asked for.
func jobProblem(job events.Job, err error) *place.Unplaced {
	return &place.Unplaced{Problems: []events.Problem{{File: job.Name, Rule: ruleJob, Message: shorten(fmt.Sprintf("%s: %v", job.Name, err))}}}
}
