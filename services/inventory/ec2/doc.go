// Package ec2 finds machines in Amazon EC2, or in anything that speaks its API.
//
// Accounts and regions are asked in parallel, each by itself: one that fails
// is reported and leaves the others alone. Throttling is met with the SDK's
// adaptive retries, which slow the client down instead of hammering on.
//
// Only Describe calls are made, and AssumeRole where an account asks for it.
package ec2
