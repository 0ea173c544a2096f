package network

import (
	"encoding/base64"
	"strings"
)

// mediaKind says how the payload of a media type is shown: "string", "json", "buffer", or ""
// for types that nothing is known of.
func mediaKind(contentType string) string {
	switch strings.ToLower(contentType) {
	case "text/css", "text/html", "text/plain", "application/xml":
		return "string"
	case "application/json":
		return "json"
	case "application/octet-stream", "application/pdf", "application/x-gtar", "application/x-gzip", "application/x-tar", "application/zip",
		"audio/aac", "audio/ac3", "audio/basic", "audio/mp4", "audio/ogg",
		"image/bmp", "image/gif", "image/jpeg", "image/tiff", "image/png":
		return "buffer"
	}
	return ""
}

func base64Text(b []byte) string { return base64.StdEncoding.EncodeToString(b) }
