// Command nethost is an example of an adapter for fiord's bench workers: it
// gives fio's container a network, which fiord itself never does.
//
// It speaks the Powerstrip protocol, version 1, over HTTP. Before a container
// is created it looks for a variable with a CIDR in the request (FIORD_CIDR, or
// the one named by -variable; -cidr is used when there is none). It finds or
// makes the engine's network with that subnet, starts a container that does
// nothing but hold the network's namespace, and rewrites HostConfig.NetworkMode
// to container:<id>. When the measured container is gone, so is the other.
//
//	nethost -listen 127.0.0.1:7070 -cidr 10.77.0.0/24
//
// and in the worker's configuration
//
//	hooks:
//	  - url: http://127.0.0.1:7070/v1/adapter
//
// GET /v1/ping answers pong. The program has the engine's socket, so it is as
// powerful as root: only the host's operator runs it, on the loopback address.
package main
