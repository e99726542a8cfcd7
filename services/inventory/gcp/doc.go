// Package gcp knows the filters of Google's Compute Engine (of its list
// methods, gcloud's --filter and Ansible's plugin), and decides by them on what
// is known of a machine.
package gcp
