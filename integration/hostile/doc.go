// Package hostile attacks a fiord as those would who have credentials of it, and
// wants each attack refused: a file for each surface. What is attacked follows
// from the rights that the code declares, so that a new right is attacked too.
package hostile
