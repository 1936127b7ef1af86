package dev.tritium.api.openai;

import static java.nio.charset.StandardCharsets.UTF_16BE;
import static java.nio.charset.StandardCharsets.UTF_16LE;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.Charset;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class JsonTest {
  private static String refusal(byte[] body) {
    ApiException e = assertThrows(ApiException.class, () -> Json.readObject(body));
    assertEquals(ErrorKind.INVALID_REQUEST, e.kind());
    return String.valueOf(e.getMessage());
  }

  @Test
  void aBodyIsInUtf8AndInNothingElse() {
    String json = "{\"a\": \"é\"}";
    for (Charset other : List.of(UTF_16LE, UTF_16BE, Charset.forName("UTF-32LE"))) {
      assertTrue(refusal(json.getBytes(other)).contains("not valid JSON"), other.name());
    }
    byte[][] wrong = {
      {(byte) 0xFF}, {(byte) 0xC0, (byte) 0xAF}, {(byte) 0xED, (byte) 0xA0, (byte) 0x80}
    };
    for (byte[] bytes :
        wrong) { // of no character, of a slash in two bytes, of half a surrogate pair
      byte[] body = "{\"a\": \"12345\"}".getBytes(UTF_8);
      System.arraycopy(bytes, 0, body, body.length - 7, bytes.length);
      assertTrue(refusal(body).contains("not UTF-8"), () -> refusal(body));
    }
    for (String text : List.of("é", "\uFFFD")) { // which is also what stands for wrong bytes
      byte[] body = json.replace("é", text).getBytes(UTF_8);
      assertEquals(text, Json.readObject(body).get("a").textValue());
    }
    assertEquals("é", Json.readObject(("\uFEFF" + json).getBytes(UTF_8)).get("a").textValue());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{\"a\": NaN}",
        "{\"a\": +1}",
        "{\"a\": 1 /* one */}",
        "{\"a\": 1",
        "{\"a\": 1} x",
        "{\"a\": 1} {\"a\": 1}",
        "{'a': 1}",
        "{\"a\": 1, \"a\": 2}"
      })
  void whatIsWrongIsSaidToThoseWhoKnowNoParser(String body) {
    String message = refusal(body.getBytes(UTF_8));
    assertFalse(message.matches(".*(`|Feature|Source|jackson).*"), message);
  }

  @Test
  void aBodyThatIsTooDeepIsRefusedInPlainWords() {
    String message = refusal(("{\"a\": " + "[".repeat(101)).getBytes(UTF_8));
    assertTrue(message.endsWith("exceeds the maximum allowed (100)"), message);
  }

  @Test
  void aNumberIsShownAsItWasSent() {
    byte[] body = "{\"max_tokens\": 1.0}".getBytes(UTF_8);
    ApiException e =
        assertThrows(ApiException.class, () -> RequestBody.read(body, Parameters.COMPLETIONS));
    assertTrue(String.valueOf(e.getMessage()).endsWith("found 1.0"), e::getMessage);
  }
}
